-- What every script begins with: names for the keys, one reading of the clock,
-- and the steps that several of them share. Rust joins it to each script, and
-- begins it with PHASES_KEPT.
--
-- KEYS: always the same list, in the order of `keys.rs`; all in one slot.
-- Times are ms since the epoch by this server's clock; ids are 16 bytes each.

local FORMAT = '1' -- of this state; raised when an older script could not read it

local run, chunks, ranges = KEYS[1], KEYS[2], KEYS[3]
local waiting = { vip = KEYS[4], normal = KEYS[5] }
local leases, leased = KEYS[6], KEYS[7]
local delayed = { vip = KEYS[8], normal = KEYS[9] }
local attempts, phases = KEYS[10], KEYS[11]
local workers, worker_info, events = KEYS[12], KEYS[13], KEYS[14]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local format = redis.call('HGET', run, 'format')
if format and format ~= FORMAT then
    return redis.error_reply('FORMAT this queue holds state of format ' .. format ..
        ', this program reads ' .. FORMAT)
end

local SLICE = 1000 -- values for one command: Lua's unpack ends near 8,000
local ID = 16

local function num(field)
    return tonumber(redis.call('HGET', run, field) or 0)
end

-- The time for what is shown: unlike `now` it never goes back, not even when
-- a fail-over brings a clock that is behind. Leases use `now`: a clock held
-- still must not keep them from expiring.
local function stamp()
    local clock = math.max(now, num('clock'))
    redis.call('HSET', run, 'clock', clock)
    return clock
end

local function publish(event)
    redis.call('PUBLISH', events, event)
end

-- Cuts ids that stand back to back into slices and hands each to `take`.
local function each_slice(blob, take)
    for from = 1, #blob, ID * SLICE do
        local ids = {}
        for at = from, math.min(from + ID * SLICE, #blob + 1) - 1, ID do
            ids[#ids + 1] = blob:sub(at, at + ID - 1)
        end
        take(ids)
    end
end

local function push_tail(list, blob)
    each_slice(blob, function(ids) redis.call('RPUSH', list, unpack(ids)) end)
end

-- Back to the head, in the order they came from there.
local function push_head(list, blob)
    local slices = {}
    each_slice(blob, function(ids) slices[#slices + 1] = ids end)
    for s = #slices, 1, -1 do
        local ids, reversed = slices[s], {}
        for i = #ids, 1, -1 do reversed[#reversed + 1] = ids[i] end
        redis.call('LPUSH', list, unpack(reversed))
    end
end

-- A lease's record: `kind worker since a b`, a line feed, then the ids.
-- a and b: first and last + 1 index for pushes; a of a batch: when the orders are due
-- if they come back, 0 for at once.
local function read_lease(record)
    local kind, worker, since, a, b, at = record:match('^(%S+) (%S+) (%S+) (%S+) (%S+)\n()')
    return { kind = kind, worker = worker, since = tonumber(since),
        a = tonumber(a), b = tonumber(b), ids = record:sub(at) }
end

-- The answer of the scripts that give work out.
local function work_of(lease)
    local about = redis.call('HMGET', run, 'runId', 'seed', 'createdAt', 'version', 'replay',
        'letters', 'phase')
    return { lease.kind, about[1], about[2], about[3], about[4], lease.a, lease.b, lease.ids,
        about[5] or '0', about[6] or '', lease.since, about[7] }
end

local function grant(token, worker, lease_ms, kind, a, b, ids)
    redis.call('ZADD', leases, now + lease_ms, token)
    redis.call('HSET', leased, token,
        table.concat({ kind, worker, now, a, b }, ' ') .. '\n' .. ids)
    return work_of({ kind = kind, since = now, a = a, b = b, ids = ids })
end

local function close_lease(token)
    redis.call('ZREM', leases, token)
    redis.call('HDEL', leased, token)
end

-- The priority that a push will add to.
local FEEDS = { generate = 'vip', enqueue = 'normal' }

-- Orders of a batch go back where they came from.
local function put_back(lease, blob)
    if lease.a == 0 then return push_head(waiting[lease.kind], blob) end
    each_slice(blob, function(ids)
        for _, id in ipairs(ids) do redis.call('ZADD', delayed[lease.kind], lease.a, id) end
    end)
end

-- Puts what a lease held back where it came from, and closes it.
local function give_back(token, lease)
    local kind = lease.kind
    if FEEDS[kind] then
        redis.call('LPUSH', kind == 'generate' and chunks or ranges, lease.a)
        redis.call('HINCRBY', run, FEEDS[kind] .. 'Pledged', lease.a - lease.b)
    elseif kind == 'save' then
        redis.call('HSET', run, 'saving', 1, 'saveAfter', now + 1000)
    else
        put_back(lease, lease.ids)
        redis.call('HINCRBY', run, kind .. 'Leased', -#lease.ids / ID)
    end
    close_lease(token)
end

-- Is no order of this priority waiting, leased or delayed?
local function settled(priority)
    return redis.call('LLEN', waiting[priority]) == 0
        and num(priority .. 'Leased') == 0
        and redis.call('ZCARD', delayed[priority]) == 0
end

-- For readers of events: a stream, so that none is missed, and capped.
local function announce(phase)
    redis.call('XADD', phases, 'MAXLEN', '~', PHASES_KEPT, '*', 'phase', phase,
        'runId', redis.call('HGET', run, 'runId') or '', 'at', stamp())
    publish('phase ' .. phase)
end

local function set_phase(phase)
    redis.call('HSET', run, 'phase', phase, 'phaseAt', stamp())
    announce(phase)
    return phase
end

-- A replay found orders processed. When, only MongoDB knows: before now, and
-- VIP orders before the first NORMAL one.
local function found_processed(priority)
    local at, first_normal = stamp(), num('normalStart')
    if priority == 'vip' and first_normal > 0 then at = math.min(at, first_normal) end
    if num(priority .. 'Start') == 0 then redis.call('HSET', run, priority .. 'Start', at) end
    redis.call('HSET', run, priority .. 'End', math.max(at, num(priority .. 'End')))
end

-- The only place where a run moves on by itself. Called at the end of every
-- script that changes what it looks at, so check and change are one step (I1).
local function advance()
    local phase = redis.call('HGET', run, 'phase')
    if phase == 'ERROR' or phase == 'DONE' or phase == 'ABORTED' or phase == 'IDLE' then
        return phase
    end
    if num('vipDead') + num('normalDead') > num('maxDead') then
        redis.call('HSET', run, 'error', 'more than ' .. num('maxDead') .. ' dead letters')
        return set_phase('ERROR')
    end
    if (phase == 'GENERATING' or phase == 'ENQUEUE_VIP')
        and num('chunksDone') == num('chunks') then
        redis.call('HSET', run, 'generationEnd', stamp())
        phase = set_phase('WAITING_VIP_DRAIN')
    end
    if phase == 'WAITING_VIP_DRAIN' and settled('vip') then
        redis.call('HSET', run, 'fenceOpenedAt', stamp())
        phase = set_phase('ENQUEUE_NORMAL')
    end
    if phase == 'ENQUEUE_NORMAL' and num('rangesDone') == num('ranges') then
        phase = set_phase('WAITING_NORMAL_DRAIN')
    end
    if phase == 'WAITING_NORMAL_DRAIN' and num('saving') == 0
        and settled('vip') and settled('normal') then
        redis.call('HSET', run, 'saving', 1, 'endedAt', stamp())
        publish('save')
    end
    return phase
end
