-- reclaim: expired leases and due retries go back to the head of their queue.
-- ARGV: how many of each at most, lease ms; or 0, 0 and one token to hand back now
-- Answers {leases, retries} given back.
if not format then return { 0, 0 } end
local most, lease_ms, token = tonumber(ARGV[1]), ARGV[2], ARGV[3]
if token then
    local record = redis.call('HGET', leased, token)
    if not record then return { 0, 0 } end
    give_back(token, read_lease(record))
    publish('wake')
    return { 1, 0 }
end

-- After a fail-over to a machine whose clock is behind, deadlines lie too far
-- off. Nobody asks for longer than a lease; retries wait no longer either.
for _, key in ipairs({ leases, delayed.vip, delayed.normal }) do
    for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. now + lease_ms, '+inf', 'LIMIT', 0, most)) do
        redis.call('ZADD', key, now + lease_ms, member)
    end
end

local expired = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, most)
for _, late in ipairs(expired) do
    local record = redis.call('HGET', leased, late)
    if record then give_back(late, read_lease(record)) else close_lease(late) end
end

local retries = 0
for priority, key in pairs(delayed) do
    local due = redis.call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, math.min(most, SLICE))
    if #due > 0 then
        retries = retries + #due
        push_head(waiting[priority], table.concat(due))
        redis.call('ZREM', key, unpack(due))
    end
end
if #expired + retries > 0 then publish('wake') end
return { #expired, retries }
