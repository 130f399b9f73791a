-- claim: the only way to get work; decides by phase, pause, abort and fence.
-- Contract: claim.rs.
local token, seen, worker, batch, lease_ms, high_water, vip_us, normal_us, may_generate, is_full,
    processor, call_size, may_call = unpack(ARGV)
batch, lease_ms, high_water = tonumber(batch), tonumber(lease_ms), tonumber(high_water)

if num('version') < tonumber(seen) or not format then
    return { 'behind' }
end

local held = redis.call('HGET', leased, token)
if held then return work_of(read_lease(held)) end

local phase = redis.call('HGET', run, 'phase')
local over = phase == 'IDLE' or phase == 'DONE' or phase == 'ABORTED'

-- An ended run is shown as it was saved.
for field, spent in pairs({ enqueueVipUs = vip_us, enqueueNormalUs = normal_us }) do
    if spent ~= '0' and not over then redis.call('HINCRBY', run, field, spent) end
end

local function give(kind, a, b, ids)
    return grant(token, worker, lease_ms, kind, a, b, ids)
end

local A_SECOND = { 'wait', 1000, '' }
local A_MOMENT = 25 -- retries that are due within it are one batch, and not a call each

-- What holds batches back, and for how many ms, if anything does.
local held_by, held_for = '', 1000

-- Until a retry is due, or a limit may let more orders through.
local function wait()
    local due = held_for
    for _, key in pairs(delayed) do
        local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        if first[2] and (held_by == '' or tonumber(first[2]) > now) then
            due = math.min(due, math.max(A_MOMENT, first[2] - now))
        end
    end
    return { 'wait', due, held_by }
end

local aborted = num('aborted') == 1

-- One worker saves the end of the run, or carries out a cancel whose API died. Neither waits
-- for the end of a pause.
local saving = num('saving') == 1 and now >= num('saveAfter')
if aborted then
    saving = saving and (redis.call('ZCARD', leases) == 0 or now >= num('abortDeadline'))
end
if saving and not over then
    redis.call('HSET', run, 'saving', 2)
    return give('save', 0, 0, '')
end
if over or aborted or phase == 'ERROR' or num('paused') == 1 then
    return A_SECOND
end

-- One push more, if what waits and what leased pushes will add stays below
-- high water (I10). One is always allowed when there is nothing.
local function room_for(priority, size)
    local ahead = redis.call('LLEN', waiting[priority])
        + redis.call('ZCARD', delayed[priority]) + num(priority .. 'Pledged')
    return ahead == 0 or ahead + size <= high_water
end

-- The next chunk or range: one handed back, else the next fresh one.
local function next_push(kind, list, cursor, size_field)
    local size, quantity = num(size_field), num('quantity')
    if is_full == '1' or not room_for(FEEDS[kind], size) then return nil end
    local from = tonumber(redis.call('LPOP', list) or nil)
    if not from then
        from = num(cursor)
        if from >= quantity then return nil end
        redis.call('HSET', run, cursor, from + size)
    end
    local to = math.min(from + size, quantity)
    redis.call('HINCRBY', run, FEEDS[kind] .. 'Pledged', to - from)
    return give(kind, from, to, '')
end

local function lend(priority, ids)
    if priority == 'normal' and not all_terminal('vip') then
        -- Must not happen (I1). Counted, so that it would be seen.
        redis.call('HINCRBY', run, 'violations', #ids)
    end
    redis.call('HINCRBY', run, priority .. 'Leased', #ids)
    local at = stamp()
    if num(priority .. 'Start') == 0 then redis.call('HSET', run, priority .. 'Start', at) end
    return give(priority, 0, at, table.concat(ids))
end

-- Batches of a named processor are for workers that have it, and only while it takes calls.
local wanted = redis.call('HGET', run, 'processor') or ''
local may_drain = wanted == '' or (wanted == processor and may_call == '1')
if wanted ~= '' then
    batch = tonumber(call_size)
    if not may_drain then held_by = 'processor' end
end

-- How many of n orders this claim may give out.
local function allowed(n, fresh)
    if n == 0 or not may_drain then return 0 end
    local most, after, why = permitted(n, fresh)
    if most == 0 then held_by, held_for = why, math.min(held_for, after) end
    return most
end

local function drain(priority)
    local n = allowed(math.min(batch, redis.call('LLEN', waiting[priority])), true)
    return n > 0 and lend(priority, redis.call('LPOP', waiting[priority], n)) or nil
end

-- Retries that are due, in a batch of their own: an order that fails again would cost the
-- other orders of its batch a second write.
local function retry(priority)
    local set = delayed[priority]
    local due = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, math.min(batch, SLICE))
    local n = allowed(#due, false)
    if n == 0 then return nil end
    for i = #due, n + 1, -1 do due[i] = nil end
    redis.call('ZREM', set, unpack(due))
    return lend(priority, due)
end

-- While more of a priority is still to be pushed, a part of a batch is left to
-- grow: making more comes first, unless high water forbids it.
local function full_batch(priority)
    return redis.call('LLEN', waiting[priority]) >= batch and drain(priority)
end

local work
if phase == 'GENERATING' or phase == 'ENQUEUE_VIP' then
    work = retry('vip') or full_batch('vip')
    if not work and may_generate == '1' then
        work = next_push('generate', chunks, 'nextChunk', 'chunkSize')
        if work then
            if num('generationStart') == 0 then
                redis.call('HSET', run, 'generationStart', stamp())
            end
            if phase == 'ENQUEUE_VIP' then set_phase('GENERATING') end
        end
    end
elseif phase == 'ENQUEUE_NORMAL' then
    work = retry('normal') or full_batch('normal') or next_push('enqueue', ranges, 'nextNormal', 'rangeSize')
end
work = work or retry('vip') or drain('vip')
-- The fence, if it is shut, holds NORMAL orders back. There may be some: a retry of an ended run
-- queues its VIP and NORMAL letters at once, and the VIP ones come first. From ENQUEUE_NORMAL on
-- no VIP order is open, so the line above finds none.
if not work and (phase == 'ENQUEUE_NORMAL' or phase == 'WAITING_NORMAL_DRAIN') then
    work = retry('normal') or drain('normal')
end
if work then return work end
local what = lost(phase)
return what and { 'lost', num('version'), what } or wait()
