-- take: orders out of the queue, under a lease, for a person who removes them. Pause
-- and fence do not matter: what is taken is acked as removed, or comes back.
-- Contract: take.rs.
local token, seen, caller, lease_ms, state, most, claimed_until, only = unpack(ARGV)
most = tonumber(most)
if num('version') < tonumber(seen) or not format then
    return { 'behind' }
end
local held = redis.call('HGET', leased, token)
if held then return work_of(read_lease(held)) end

local phase = redis.call('HGET', run, 'phase')
if num('aborted') == 1 or phase == 'IDLE' or phase == 'DONE' or phase == 'ABORTED' then
    return { 'wait', 0, '' }
end

local function give(priority, due, ids)
    redis.call('HINCRBY', run, priority .. 'Leased', #ids / ID)
    return grant(token, caller, lease_ms, priority, due, 0, ids)
end

local from = {}
function from.wait(priority)
    local n, after, why = permitted(math.min(most, redis.call('LLEN', waiting[priority])), true)
    if n > 0 then return give(priority, 0, table.concat(redis.call('LPOP', waiting[priority], n))) end
    return why and { 'wait', after, why }
end
-- Orders that come back wait until the last of them is due.
function from.delayed(priority)
    local set = delayed[priority]
    local ids = redis.call('ZRANGE', set, 0, math.min(most, SLICE) - 1)
    if #ids == 0 then return nil end
    local due = redis.call('ZSCORE', set, ids[#ids])
    redis.call('ZREM', set, unpack(ids))
    return give(priority, due, table.concat(ids))
end
-- The worker's lease ends here: its ack will be stale.
function from.active(priority)
    for _, other in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
        local lease = read_lease(redis.call('HGET', leased, other))
        if lease.kind == priority and lease.worker ~= caller and lease.since <= tonumber(claimed_until) then
            local rest = lease.ids:sub(most * ID + 1)
            close_lease(other)
            return_orders(lease, rest)
            redis.call('HINCRBY', run, priority .. 'Leased', 0 - #rest / ID)
            return grant(token, caller, lease_ms, priority, lease.a, 0, lease.ids:sub(1, most * ID))
        end
    end
end
for _, priority in ipairs({ 'vip', 'normal' }) do
    local taken = (only == '' or only == priority) and from[state](priority)
    if taken then return taken end
end
return { 'wait', 0, '' }
