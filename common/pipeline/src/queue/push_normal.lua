-- push_normal: pushes the NORMAL ids of an index range, counts those found terminal, closes
-- the lease. Contract: push_normal.rs.
local token, todo, dead, processed, removed = unpack(ARGV)
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
if lease.kind ~= 'enqueue' then
    return redis.error_reply('PARTITION this lease is no range')
end
local ids = #todo / ID + dead + processed + removed
push_tail(waiting.normal, todo)
redis.call('HINCRBY', run, 'normalDeferred', 0 - ids) -- not -ids: that may be '-0'
redis.call('HINCRBY', run, 'normalProcessed', processed)
redis.call('HINCRBY', run, 'normalRemoved', removed)
redis.call('HINCRBY', run, 'normalDead', dead)
redis.call('HINCRBY', run, 'normalPledged', lease.a - lease.b)
redis.call('HINCRBY', run, 'rangesDone', 1)
if processed ~= '0' then found_processed('normal') end
redis.call('HSET', run, 'progressAt', stamp())
close_lease(token)
publish('wake')
return advance()
