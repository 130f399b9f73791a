-- extend: a worker's heartbeat, and that of the leases that it still works on.
-- ARGV: worker, what to show of it (JSON; '' if it leaves), ms without a heartbeat after which
--       a worker is forgotten, lease ms, then its tokens
-- Answers the tokens that are no longer leases: stop working on them.
if ARGV[2] == '' then
    redis.call('ZREM', workers, ARGV[1])
    redis.call('HDEL', worker_info, ARGV[1])
else
    redis.call('ZADD', workers, now, ARGV[1])
    redis.call('HSET', worker_info, ARGV[1], ARGV[2])
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now - ARGV[3], 'LIMIT', 0, SLICE)) do
    redis.call('ZREM', workers, gone)
    redis.call('HDEL', worker_info, gone)
end
local stale = {}
for i = 5, #ARGV do
    if redis.call('ZSCORE', leases, ARGV[i]) then
        redis.call('ZADD', leases, now + ARGV[4], ARGV[i])
    else
        stale[#stale + 1] = ARGV[i]
    end
end
return stale
