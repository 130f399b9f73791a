-- reclaim: leases go back to the head of their queue. Contract: reclaim.rs.
if not format then return 0 end
local most, lease_ms, first_token = tonumber(ARGV[1]), ARGV[2], 3
if #ARGV >= first_token then
    local back = 0
    for i = first_token, #ARGV do
        local record = redis.call('HGET', leased, ARGV[i])
        if record then
            give_back(ARGV[i], read_lease(record))
            back = back + 1
        end
    end
    if back > 0 then publish('wake') end
    return back
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
if #expired > 0 then publish('wake') end
return #expired
