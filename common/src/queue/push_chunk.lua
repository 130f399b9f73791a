-- push_chunk: a chunk is in MongoDB. Pushes its VIP ids, counts it, closes the lease.
-- ARGV: token, VIP ids still to do, VIP orders, NORMAL orders, VIP orders found to be
--       dead letters, processed, removed, 1 if any order of the chunk was found
--       terminal, VIP orders that were put back after the fence had opened
-- Answers the phase, or 'stale'.
local token, todo = ARGV[1], ARGV[2]
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
local vip, normal = tonumber(ARGV[3]), tonumber(ARGV[4])
if lease.kind ~= 'generate' or vip + normal ~= lease.b - lease.a
    or vip ~= #todo / ID + ARGV[5] + ARGV[6] + ARGV[7] then
    return redis.error_reply('PARTITION the chunk does not add up')
end
push_tail(waiting.vip, todo)
redis.call('HINCRBY', run, 'vipGenerated', vip)
redis.call('HINCRBY', run, 'normalGenerated', normal)
redis.call('HINCRBY', run, 'normalDeferred', normal)
redis.call('HINCRBY', run, 'vipDead', ARGV[5])
redis.call('HINCRBY', run, 'vipProcessed', ARGV[6])
redis.call('HINCRBY', run, 'vipRemoved', ARGV[7])
redis.call('HINCRBY', run, 'lateVip', ARGV[9])
redis.call('HINCRBY', run, 'vipPledged', lease.a - lease.b)
redis.call('HINCRBY', run, 'chunksDone', 1)
if ARGV[6] ~= '0' then found_processed('vip') end
if ARGV[8] == '1' then redis.call('HSET', run, 'replay', 1) end
redis.call('HSET', run, 'progressAt', stamp())
close_lease(token)
if redis.call('HGET', run, 'phase') == 'GENERATING' then set_phase('ENQUEUE_VIP') end
publish('wake')
return advance()
