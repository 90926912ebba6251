-- Sets when the lease of a running scan ends, if its worker still is the one with this fence. Answers 1 then, else 0.
-- ARGV: the scan's key, what the keys of leases begin with, the leases of all, the events, the scan, the fence, and
-- the milliseconds that the lease lasts from now; 0 gives the scan back.
local scan_key, leases, running, events, id, fence, length = unpack(ARGV)

local present = redis.call('HMGET', scan_key, 'fence', 'scanner')
if present[1] ~= fence then
    return 0
end
local expiry = '0'
if length ~= '0' then
    local time = redis.call('TIME')
    expiry = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + length)
end
redis.call('ZADD', running, expiry, id)
redis.call('ZADD', leases .. present[2], expiry, id)
if expiry == '0' then
    redis.call('PUBLISH', events, '')
end
return 1
