-- hold: takes the lease of the end of a run that is being cancelled, or keeps it, and notes
-- how far that is. Nobody takes it from one who keeps it. Contract: hold.rs.
local token, seen, caller, lease_ms, attempt, from, before, marked = unpack(ARGV)
if num('version') < tonumber(seen) or not format then
    return { 'behind' }
end
local phase = redis.call('HGET', run, 'phase')
if num('aborted') == 0 or phase == 'IDLE' or phase == 'DONE' or phase == 'ABORTED' then
    return { 'over' }
end
if redis.call('ZSCORE', leases, token) then
    redis.call('ZADD', leases, now + lease_ms, token)
else
    local all = redis.call('ZRANGE', leases, 0, -1, 'WITHSCORES')
    for i = 1, #all, 2 do
        local record = redis.call('HGET', leased, all[i])
        if record and record:match('^%S+') == 'save' then
            if tonumber(all[i + 1]) > now then return { 'taken' } end
            -- Expired, and no worker has given it back.
            close_lease(all[i])
        end
    end
    grant(token, caller, lease_ms, 'save', 0, 0, '')
    redis.call('HSET', run, 'saving', 2)
end
if attempt then
    redis.call('HSET', run, 'cancelAttempt', attempt, 'cancelFrom', from,
        'cancelBefore', before, 'cancelMarked', marked)
end
return { 'held', redis.call('ZCARD', leases) - 1 }
