-- take: orders out of the queue, under a lease, for a person who removes them. Pause
-- and fence do not matter: what is taken is acked as removed, or comes back.
-- ARGV: token, control version that the caller has seen, caller, lease ms, state
--       (wait, delayed or active), how many orders at most, the time until which
--       an active one must have been claimed
-- Answers as claim does. Asked again with the same token it gives the same lease.
local token, most = ARGV[1], tonumber(ARGV[6])
if num('version') < tonumber(ARGV[2]) or not format then
    return { 'behind' }
end
local held = redis.call('HGET', leased, token)
if held then return work_of(read_lease(held)) end

local phase = redis.call('HGET', run, 'phase')
if num('aborted') == 1 or phase == 'IDLE' or phase == 'DONE' or phase == 'ABORTED' then
    return { 'wait', 0 }
end

local function give(priority, due, ids)
    redis.call('HINCRBY', run, priority .. 'Leased', #ids / ID)
    return grant(token, ARGV[3], ARGV[4], priority, due, 0, ids)
end

local from = {}
function from.wait(priority)
    local ids = redis.call('LPOP', waiting[priority], most)
    return ids and give(priority, 0, table.concat(ids))
end
-- What comes back of them waits until the last of them was due.
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
        if lease.kind == priority and lease.worker ~= ARGV[3] and lease.since <= tonumber(ARGV[7]) then
            local rest = lease.ids:sub(most * ID + 1)
            close_lease(other)
            put_back(lease, rest)
            redis.call('HINCRBY', run, priority .. 'Leased', 0 - #rest / ID)
            return grant(token, ARGV[3], ARGV[4], priority, lease.a, 0, lease.ids:sub(1, most * ID))
        end
    end
end
return from[ARGV[5]]('vip') or from[ARGV[5]]('normal') or { 'wait', 0 }
