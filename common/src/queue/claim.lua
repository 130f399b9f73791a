-- claim: the only way to get work; decides by phase, pause, abort and fence.
-- ARGV: token, control version that the caller has seen, worker, batch size,
--       lease ms, high water, µs spent pushing VIP and NORMAL since last asked,
--       1 if the caller may be given a chunk
-- Answers {'behind'}: this Redis knows less of control than the caller
--      or {'wait', ms}
--      or {kind, runId, seed, createdAt, version, a, b, ids, replay, letters, since, phase}
--         kind: generate, enqueue, vip, normal, save
-- Asked again with the same token it gives the same lease.
local token, worker = ARGV[1], ARGV[3]
local batch, lease_ms, high_water = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

if num('version') < tonumber(ARGV[2]) or not format then
    return { 'behind' }
end

local held = redis.call('HGET', leased, token)
if held then return work_of(read_lease(held)) end

local phase = redis.call('HGET', run, 'phase')
local over = phase == 'IDLE' or phase == 'DONE' or phase == 'ABORTED'

-- An ended run is shown as it was saved.
for field, spent in pairs({ enqueueVipUs = ARGV[7], enqueueNormalUs = ARGV[8] }) do
    if spent ~= '0' and not over then redis.call('HINCRBY', run, field, spent) end
end

local function give(kind, a, b, ids)
    return grant(token, worker, lease_ms, kind, a, b, ids)
end

local function wait()
    local due = 1000
    for _, key in pairs(delayed) do
        local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        if first[2] then due = math.min(due, math.max(1, first[2] - now)) end
    end
    return { 'wait', due }
end

local aborted = num('aborted') == 1

-- The end of the run: it is saved by one worker, and a cancel whose API died
-- is carried out by one too. Neither waits for a pause to be lifted.
local saving = num('saving') == 1 and now >= num('saveAfter')
if aborted then
    saving = saving and (redis.call('ZCARD', leases) == 0 or now >= num('abortDeadline'))
end
if saving and not over then
    redis.call('HSET', run, 'saving', 2)
    return give('save', 0, 0, '')
end
if over or aborted or phase == 'ERROR' or num('paused') == 1 then
    return wait()
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
    if not room_for(FEEDS[kind], size) then return nil end
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

local function drain(priority)
    local ids = redis.call('LPOP', waiting[priority], batch)
    if not ids then return nil end
    if priority == 'normal' and not settled('vip') then
        -- Cannot happen. Counted where it would, so that nobody has to believe it.
        redis.call('HINCRBY', run, 'violations', #ids)
    end
    redis.call('HINCRBY', run, priority .. 'Leased', #ids)
    if num(priority .. 'Start') == 0 then
        redis.call('HSET', run, priority .. 'Start', stamp())
    end
    return give(priority, 0, 0, table.concat(ids))
end

-- While more of a priority is still to be pushed, a part of a batch is left to
-- grow: making more comes first, unless high water forbids it.
local function full(priority)
    return redis.call('LLEN', waiting[priority]) >= batch and drain(priority)
end

local work
if phase == 'GENERATING' or phase == 'ENQUEUE_VIP' then
    work = full('vip')
    if not work and ARGV[9] == '1' then
        work = next_push('generate', chunks, 'nextChunk', 'chunkSize')
        if work then
            if num('generationStart') == 0 then
                redis.call('HSET', run, 'generationStart', stamp())
            end
            if phase == 'ENQUEUE_VIP' then set_phase('GENERATING') end
        end
    end
elseif phase == 'ENQUEUE_NORMAL' then
    work = full('normal') or next_push('enqueue', ranges, 'nextNormal', 'rangeSize')
end
-- The fence: `normal` holds nothing before ENQUEUE_NORMAL, `vip` nothing from then on.
return work or drain('vip') or drain('normal') or wait()
