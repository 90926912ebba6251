-- Applies the writes of one step, if every check holds, in one instant. What they are is decided by who sends them.
-- ARGV: the length of a lease in milliseconds; the number of checks; then each check and each write, as the number of
-- its words and these. A check is `=answer` or `<number>` and the command that has to answer so.
-- Answers 0, or the place of the first check that does not hold; a check that writes therefore has to be the last.
local place = 3

local function next_command()
    local count = tonumber(ARGV[place])
    local command = {unpack(ARGV, place + 1, place + count)}
    place = place + count + 1
    return command
end

local function holds(expected, answer)
    local relation, value = string.sub(expected, 1, 1), string.sub(expected, 2)
    if relation == '<' then
        return answer < tonumber(value)
    end
    return tostring(answer) == value
end

for check = 1, tonumber(ARGV[2]) do
    local command = next_command()
    local expected = table.remove(command, 1)
    if not holds(expected, redis.call(unpack(command))) then
        return check
    end
end

local time = redis.call('TIME')
local expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1])
while place <= #ARGV do
    local command = next_command()
    if command[1] == 'LEASE' then
        redis.call('ZADD', command[2], expiry, command[3])
    else
        redis.call(unpack(command))
    end
end
return 0
