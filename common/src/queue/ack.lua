-- ack: closes the lease of a batch. Retried, dead and removed are named, the
-- rest was processed; together they are the batch. Advances the phase.
-- ARGV: token, ids to retry, dead ids, removed ids, then the delay in ms of
--       each id to retry
-- Answers the phase, or 'stale'.
local token, retry, buried, removed = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
local priority, size = lease.kind, #lease.ids / ID
if not waiting[priority] then
    return redis.error_reply('PARTITION this lease is no batch')
end
local named = (#retry + #buried + #removed) / ID
if named > 0 then
    local batch, left = {}, named
    each_slice(lease.ids, function(ids) for _, id in ipairs(ids) do batch[id] = true end end)
    each_slice(retry .. buried .. removed, function(ids)
        for _, id in ipairs(ids) do
            if batch[id] then batch[id] = false; left = left - 1 end
        end
    end)
    if left ~= 0 or #ARGV - 4 ~= #retry / ID then
        return redis.error_reply('PARTITION the answer is not a part of the batch')
    end
end
local delay = 4
each_slice(retry, function(ids)
    for _, id in ipairs(ids) do
        delay = delay + 1
        redis.call('HINCRBY', attempts, id, 1)
        redis.call('ZADD', delayed[priority], now + ARGV[delay], id)
    end
end)
bury(buried)
redis.call('HINCRBY', run, priority .. 'Leased', -size)
redis.call('HINCRBY', run, priority .. 'Processed', size - named)
redis.call('HINCRBY', run, priority .. 'Dead', #buried / ID)
redis.call('HINCRBY', run, priority .. 'Removed', #removed / ID)
local at = stamp()
redis.call('HSET', run, priority .. 'End', at, 'progressAt', at)
close_lease(token)
return advance()
