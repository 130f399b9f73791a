-- extend: a worker's heartbeat, and that of the leases that it still works on.
-- Contract: extend.rs.
local worker, shown, forget_after, lease_ms = unpack(ARGV, 1, 4)
local first_token = 5
if shown == '' then
    redis.call('ZREM', workers, worker)
    redis.call('HDEL', worker_info, worker)
else
    redis.call('ZADD', workers, now, worker)
    redis.call('HSET', worker_info, worker, shown)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', workers, '-inf', now - forget_after, 'LIMIT', 0, SLICE)) do
    redis.call('ZREM', workers, gone)
    redis.call('HDEL', worker_info, gone)
end
-- So that the run's time continues by the clock as it is, also when nothing else happens.
if format then stamp() end
local stale = {}
for i = first_token, #ARGV do
    if redis.call('ZSCORE', leases, ARGV[i]) then
        redis.call('ZADD', leases, now + lease_ms, ARGV[i])
    else
        stale[#stale + 1] = ARGV[i]
    end
end
return stale
