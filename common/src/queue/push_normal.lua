-- push_normal: pushes the NORMAL ids of an index range, counts those found
-- terminal, closes the lease.
-- ARGV: token, ids still to do, orders found to be dead letters, processed, removed
-- Answers the phase, or 'stale'.
local token, todo = ARGV[1], ARGV[2]
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
if lease.kind ~= 'enqueue' then
    return redis.error_reply('PARTITION this lease is no range')
end
local ids = #todo / ID + ARGV[3] + ARGV[4] + ARGV[5]
push_tail(waiting.normal, todo)
redis.call('HINCRBY', run, 'normalDeferred', 0 - ids) -- not -ids: that may be '-0'
redis.call('HINCRBY', run, 'normalProcessed', ARGV[4])
redis.call('HINCRBY', run, 'normalRemoved', ARGV[5])
redis.call('HINCRBY', run, 'normalDead', ARGV[3])
redis.call('HINCRBY', run, 'normalPledged', lease.a - lease.b)
redis.call('HINCRBY', run, 'rangesDone', 1)
if ARGV[4] ~= '0' then found_processed('normal') end
redis.call('HSET', run, 'progressAt', stamp())
close_lease(token)
publish('wake')
return advance()
