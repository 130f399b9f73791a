-- push_chunk: a chunk is in MongoDB. Pushes its VIP ids, counts it, closes the lease.
-- Contract: push_chunk.rs.
local token, todo, vip, normal, dead, processed, removed, terminal, late = unpack(ARGV)
vip, normal = tonumber(vip), tonumber(normal)
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
if lease.kind ~= 'generate' or vip + normal ~= lease.b - lease.a
    or vip ~= #todo / ID + dead + processed + removed then
    return redis.error_reply('PARTITION the chunk does not add up')
end
push_tail(waiting.vip, todo)
redis.call('HINCRBY', run, 'vipGenerated', vip)
redis.call('HINCRBY', run, 'normalGenerated', normal)
redis.call('HINCRBY', run, 'normalDeferred', normal)
redis.call('HINCRBY', run, 'vipDead', dead)
redis.call('HINCRBY', run, 'vipProcessed', processed)
redis.call('HINCRBY', run, 'vipRemoved', removed)
redis.call('HINCRBY', run, 'lateVip', late)
redis.call('HINCRBY', run, 'vipPledged', lease.a - lease.b)
redis.call('HINCRBY', run, 'chunksDone', 1)
if processed ~= '0' then found_processed('vip') end
if terminal == '1' then redis.call('HSET', run, 'replay', 1) end
redis.call('HSET', run, 'progressAt', stamp())
close_lease(token)
if redis.call('HGET', run, 'phase') == 'GENERATING' then set_phase('ENQUEUE_VIP') end
publish('wake')
return advance()
