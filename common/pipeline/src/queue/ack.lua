-- ack: closes the lease of a batch, and advances the phase. Contract: ack.rs.
local token, retry, dead, removed, returned, deferred, vouched = unpack(ARGV, 1, 7)
local first_delay = 8 -- then the delay in ms of each id to retry, and of each that is deferred
local record = redis.call('HGET', leased, token)
if not record then return 'stale' end
local lease = read_lease(record)
local priority, size = lease.kind, #lease.ids / ID
if not waiting[priority] then
    return redis.error_reply('PARTITION this lease is no batch')
end
local named = (#retry + #dead + #removed + #returned + #deferred) / ID
if named > 0 then
    local batch, left = {}, named
    each_slice(lease.ids, function(ids) for _, id in ipairs(ids) do batch[id] = true end end)
    each_slice(retry .. dead .. removed .. returned .. deferred, function(ids)
        for _, id in ipairs(ids) do
            if batch[id] then batch[id] = false; left = left - 1 end
        end
    end)
    if left ~= 0 or #ARGV - first_delay + 1 ~= (#retry + #deferred) / ID then
        return redis.error_reply('PARTITION the answer is not a part of the batch')
    end
end
local delay = first_delay - 1
each_slice(retry, function(ids)
    for _, id in ipairs(ids) do
        delay = delay + 1
        redis.call('HINCRBY', attempts, id, 1)
        redis.call('ZADD', delayed[priority], now + ARGV[delay], id)
    end
end)
each_slice(deferred, function(ids)
    for _, id in ipairs(ids) do
        delay = delay + 1
        redis.call('ZADD', delayed[priority], now + ARGV[delay], id)
    end
end)
-- Attempts are remembered for as long as an order may be tried again.
if redis.call('EXISTS', attempts) == 1 then
    local open = {}
    each_slice(retry .. returned .. deferred, function(ids) for _, id in ipairs(ids) do open[id] = true end end)
    each_slice(lease.ids, function(ids)
        local over = {}
        for _, id in ipairs(ids) do
            if not open[id] then over[#over + 1] = id end
        end
        if #over > 0 then redis.call('HDEL', attempts, unpack(over)) end
    end)
end
return_orders(lease, returned)
redis.call('HINCRBY', run, priority .. 'Leased', -size)
redis.call('HINCRBY', run, priority .. 'Processed', size - named)
redis.call('HINCRBY', run, priority .. 'Dead', #dead / ID)
redis.call('HINCRBY', run, priority .. 'Removed', #removed / ID)
local at = stamp()
redis.call('HSET', run, 'progressAt', at)
-- The time of the claim, not of the ack: what was answered before another order failed does not
-- show that the processor worked afterwards.
if vouched == '1' then
    redis.call('HSET', run, 'vouchedAt', math.max(num('vouchedAt'), lease.b))
end
-- What a person removes was not worked on: it is outside the priority's window.
if #removed + #returned + #deferred < #lease.ids then redis.call('HSET', run, priority .. 'End', at) end
close_lease(token)
return advance()
