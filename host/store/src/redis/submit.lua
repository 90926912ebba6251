-- Puts a new scan at the end of its pool's queue, unless its key was used before or the queue is full.
-- With a letter, that dead letter goes in the same instant; where it is gone, nothing is done.
-- ARGV: the names of the keys, as below; then the scan, its pool and what there is to store about it.
local scan_key, queue, sequences, scans, pools, pinned, idempotency, dead, events,
    id, pool, record, instance, max_depth, request_hash, now, expires, letter = unpack(ARGV)

if letter ~= '' and redis.call('ZREM', dead, letter) == 0 then
    return {'gone', '', ''}
end

if request_hash ~= '' then
    local known = redis.call('HMGET', idempotency, 'hash', 'id', 'expires')
    if known[1] and tonumber(known[3]) > tonumber(now) then
        if known[1] ~= request_hash then
            return {'taken', '', ''}
        end
        return {'known', known[2], ''}
    end
end

local depth = redis.call('LLEN', queue)
if depth >= tonumber(max_depth) then
    return {'full', tostring(depth), ''}
end

local sequence = redis.call('INCR', sequences)
redis.call('HSET', scan_key, 'record', record, 'revision', 1, 'sequence', sequence)
if instance ~= '' then
    redis.call('HSET', scan_key, 'instance', instance)
    redis.call('HINCRBY', pinned, pool .. '/' .. instance, 1)
end
redis.call('ZADD', scans, 0, id)
redis.call('SADD', pools, pool)
redis.call('RPUSH', queue, id)

if request_hash ~= '' then
    -- How long is counted by this clock, whatever the clock says of the one who submits.
    local time = redis.call('TIME')
    local last = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000) + expires - now)
    redis.call('DEL', idempotency)
    redis.call('HSET', idempotency, 'hash', request_hash, 'id', id, 'expires', expires)
    redis.call('PEXPIREAT', idempotency, last)
    redis.call('HSET', scan_key, 'keyed_until', last)
end

redis.call('PUBLISH', events, '')
return {'new', tostring(depth + 1), tostring(sequence)}
