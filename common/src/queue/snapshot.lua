-- snapshot: everything that status shows, at one instant. Reads only.
-- ARGV: ms without a heartbeat after which a worker does not count as alive
-- Answers {now, run hash, [waiting, delayed] of VIP and of NORMAL, leases,
--          earliest lease deadline, info of live workers}
local alive = redis.call('ZRANGEBYSCORE', workers, '(' .. now - ARGV[1], '+inf')
local info = {}
for from = 1, #alive, SLICE do
    local part = redis.call('HMGET', worker_info, unpack(alive, from, math.min(from + SLICE - 1, #alive)))
    for _, json in ipairs(part) do info[#info + 1] = json end
end
local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
return { now, redis.call('HGETALL', run),
    redis.call('LLEN', waiting.vip), redis.call('ZCARD', delayed.vip),
    redis.call('LLEN', waiting.normal), redis.call('ZCARD', delayed.normal),
    redis.call('ZCARD', leases), first[2] or '0', info }
