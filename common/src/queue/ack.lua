-- ack: closes the lease of a batch. Retried, dead, removed and returned are named,
-- the rest was processed; together they are the batch. Advances the phase.
-- ARGV: token, ids to retry, dead ids, removed ids, ids that go back where they came
--       from as they are, then the delay in ms of each id to retry
-- Answers the phase, or 'stale'.
local token, retry, dead, removed, returned = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
local priority, size = lease.kind, #lease.ids / ID
if not waiting[priority] then
    return redis.error_reply('PARTITION this lease is no batch')
end
local named = (#retry + #dead + #removed + #returned) / ID
if named > 0 then
    local batch, left = {}, named
    each_slice(lease.ids, function(ids) for _, id in ipairs(ids) do batch[id] = true end end)
    each_slice(retry .. dead .. removed .. returned, function(ids)
        for _, id in ipairs(ids) do
            if batch[id] then batch[id] = false; left = left - 1 end
        end
    end)
    if left ~= 0 or #ARGV - 5 ~= #retry / ID then
        return redis.error_reply('PARTITION the answer is not a part of the batch')
    end
end
local delay = 5
each_slice(retry, function(ids)
    for _, id in ipairs(ids) do
        delay = delay + 1
        redis.call('HINCRBY', attempts, id, 1)
        redis.call('ZADD', delayed[priority], now + ARGV[delay], id)
    end
end)
put_back(lease, returned)
redis.call('HINCRBY', run, priority .. 'Leased', -size)
redis.call('HINCRBY', run, priority .. 'Processed', size - named)
redis.call('HINCRBY', run, priority .. 'Dead', #dead / ID)
redis.call('HINCRBY', run, priority .. 'Removed', #removed / ID)
local at = stamp()
redis.call('HSET', run, 'progressAt', at)
-- What a person removes was not worked on: it is outside the priority's window.
if #removed + #returned < #lease.ids then redis.call('HSET', run, priority .. 'End', at) end
close_lease(token)
return advance()
