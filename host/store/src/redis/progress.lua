-- Takes note of the progress of a running scan, if its worker still is the one with this fence. It never goes back.
-- ARGV: the scan's key, the events, the scan, the fence, percent.
local scan_key, events, id, fence, percent = unpack(ARGV)

local present = redis.call('HMGET', scan_key, 'fence', 'progress')
if present[1] == fence and tonumber(present[2] or 0) < tonumber(percent) then
    redis.call('HSET', scan_key, 'progress', percent)
    redis.call('PUBLISH', events, id)
end
