-- The beginning of every script: names for the keys, one reading of the clock (I9), and the
-- steps that several scripts share. `script.rs` puts it in front of each script, behind
-- PHASES_KEPT.
--
-- KEYS: always the same list, in the order of `keys.rs`; all in one slot.
-- Times are ms since the epoch by this server's clock; ids are 16 bytes each.

-- The formats of this state that these scripts read; raised when an older script could not
-- read it. 2: control has an import, and programs that know none must not touch the queue (I16).
local FORMATS = { ['1'] = true, ['2'] = true }

local run, chunks, ranges = KEYS[1], KEYS[2], KEYS[3]
local waiting = { vip = KEYS[4], normal = KEYS[5] }
local leases, leased = KEYS[6], KEYS[7]
local delayed = { vip = KEYS[8], normal = KEYS[9] }
local attempts, phases = KEYS[10], KEYS[11]
local workers, worker_info, events = KEYS[12], KEYS[13], KEYS[14]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local format = redis.call('HGET', run, 'format')
if format and not FORMATS[format] then
    return redis.error_reply('FORMAT this queue holds state of format ' .. format ..
        ', this program reads 1 and 2')
end

local SLICE = 1000 -- values for one command: Lua's unpack ends near 8,000
local ID = 16

local function num(field)
    return tonumber(redis.call('HGET', run, field) or 0)
end

local function nums(...)
    local values = redis.call('HMGET', run, ...)
    for i = 1, #values do values[i] = tonumber(values[i] or 0) end
    return unpack(values)
end

-- The time of a run, for what is shown. It continues with the server's clock and never goes
-- back: if that clock does (set back, or another machine's after a fail-over), `ahead` says
-- by how much the run's time is ahead of it from then on. Leases use `now`: they are about
-- the clock as it is.
local function stamp()
    local known = redis.call('HMGET', run, 'clock', 'ahead')
    local clock, ahead = tonumber(known[1] or 0), tonumber(known[2] or 0)
    if now + ahead < clock then ahead = clock - now end
    redis.call('HSET', run, 'clock', now + ahead, 'ahead', ahead)
    return now + ahead
end

-- Begins the time of a run, whatever the clock did before.
local function begin_time(at)
    redis.call('HSET', run, 'clock', at, 'ahead', 0)
    return stamp()
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
-- a and b: first and last + 1 index for pushes. Of a batch: a, when the orders are due if they come
-- back, 0 for at once; b, the time of the run when it was claimed, 0 if a person took it.
local function read_lease(record)
    local kind, worker, since, a, b, at = record:match('^(%S+) (%S+) (%S+) (%S+) (%S+)\n()')
    return { kind = kind, worker = worker, since = tonumber(since),
        a = tonumber(a), b = tonumber(b), ids = record:sub(at) }
end

-- The answer of the scripts that give work out: `Granted` in lease.rs reads it.
local function work_of(lease)
    local run_id, seed, created_at, ids_ms, source, version, replay, letters, phase, processor,
        vouched_at = unpack(redis.call('HMGET', run, 'runId', 'seed', 'createdAt', 'idsMs', 'source',
            'version', 'replay', 'letters', 'phase', 'processor', 'vouchedAt'))
    return { lease.kind, run_id, seed, ids_ms or created_at, source or '', version, lease.a,
        lease.b, lease.ids, replay or '0', letters or '', lease.since, phase, processor or '',
        vouched_at or '0' }
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

-- The priority that a push will add to. What is leased to be pushed is `pledged` to it.
local FEEDS = { generate = 'vip', enqueue = 'normal' }

-- Gives orders of a batch back to where they came from.
local function return_orders(lease, blob)
    if lease.a == 0 then return push_head(waiting[lease.kind], blob) end
    each_slice(blob, function(ids)
        for _, id in ipairs(ids) do redis.call('ZADD', delayed[lease.kind], lease.a, id) end
    end)
end

-- Gives all that a lease held back to where it came from, and closes the lease.
local function give_back(token, lease)
    local kind = lease.kind
    if FEEDS[kind] then
        redis.call('LPUSH', kind == 'generate' and chunks or ranges, lease.a)
        redis.call('HINCRBY', run, FEEDS[kind] .. 'Pledged', lease.a - lease.b)
    elseif kind == 'save' then
        redis.call('HSET', run, 'saving', 1, 'saveAfter', now + 1000)
    else
        return_orders(lease, lease.ids)
        redis.call('HINCRBY', run, kind .. 'Leased', -#lease.ids / ID)
    end
    close_lease(token)
end

-- Orders of a priority that are pushed and not terminal: by the ledger, and by what holds
-- them. Every script changes both in one step, so they differ only if somebody else wrote
-- into these keys.
local function open(priority)
    local generated, deferred, processed, dead, removed = nums(priority .. 'Generated',
        priority .. 'Deferred', priority .. 'Processed', priority .. 'Dead', priority .. 'Removed')
    return generated - deferred - processed - dead - removed
end
local function held(priority)
    return redis.call('LLEN', waiting[priority]) + num(priority .. 'Leased')
        + redis.call('ZCARD', delayed[priority])
end

-- A limit of the run's hash; nil if there is none.
local function limit(field)
    local text = redis.call('HGET', run, field)
    return text and text ~= '' and tonumber(text) or nil
end

-- Orders that may be claimed by the rate now: the bucket holds those of one second, begins empty,
-- and its time is clamped, for the clock may jump (I14).
local function fill_bucket(rate)
    local tokens, at = nums('tokens', 'tokensAt')
    if at == 0 then at = now end
    tokens = math.min(rate, tokens + rate * math.max(0, math.min(1000, now - at)) / 1000)
    redis.call('HSET', run, 'tokens', string.format('%.3f', tokens), 'tokensAt', now)
    return tokens
end

-- How many of n orders may be claimed, by the limits of the queue and, if they are `fresh` and
-- not retries, by the canary of the run. If none: after how many ms to ask again, and why. Few are not
-- given, so that batches do not crumble: a tenth of a limit, unless there are fewer.
local function permitted(n, fresh)
    if n == 0 then return 0 end
    local after = fresh and limit('pauseAfter')
    if after then
        for _, priority in ipairs({ 'vip', 'normal' }) do
            local processed, dead, removed, out = nums(priority .. 'Processed', priority .. 'Dead',
                priority .. 'Removed', priority .. 'Leased')
            after = after - processed - dead - removed - out - redis.call('ZCARD', delayed[priority])
        end
        n = math.min(n, after)
        if n <= 0 then return 0, 1000, 'pauseAfter' end
    end
    local in_flight = limit('maxInFlight')
    if in_flight then
        local room = in_flight - num('vipLeased') - num('normalLeased')
        if room < math.min(n, math.max(1, math.floor(in_flight / 10))) then
            return 0, 1000, 'maxInFlight'
        end
        n = math.min(n, room)
    end
    local rate = limit('rate')
    if rate then
        local tokens = fill_bucket(rate)
        local least = math.min(n, math.max(1, math.floor(rate / 10)))
        if tokens < least then
            return 0, math.ceil((least - tokens) * 1000 / rate), 'ordersPerSecond'
        end
        n = math.min(n, math.floor(tokens))
        redis.call('HSET', run, 'tokens', string.format('%.3f', tokens - n))
    end
    return n
end

-- Is every order of this priority terminal? A list alone may have been deleted.
local function all_terminal(priority)
    return open(priority) == 0 and held(priority) == 0
end

-- What this Redis has lost of the run, in words; nil if nothing is lost. Asked when there is no
-- work to give out: then only what is lost is left to do.
local function lost(phase)
    for _, priority in ipairs({ 'vip', 'normal' }) do
        local by_ledger, by_lists = open(priority), held(priority)
        if by_ledger ~= by_lists then
            return string.format('%d %s orders are open by the ledger, %d by the lists',
                by_ledger, priority:upper(), by_lists)
        end
    end
    local records, deadlines = redis.call('HLEN', leased), redis.call('ZCARD', leases)
    if records ~= deadlines then
        return string.format('%d leases have a record, %d a deadline', records, deadlines)
    end
    local vip, normal, chunk, range = nums('vipLeased', 'normalLeased', 'vipPledged', 'normalPledged')
    if records == 0 and (vip ~= 0 or normal ~= 0 or chunk ~= 0 or range ~= 0) then
        return string.format('%d orders are leased, and there is no lease',
            vip + normal + chunk + range)
    end
    -- Chunks and ranges that are given out are done, leased, or handed back.
    local function missing(what, list, pledged, cursor, size)
        local done = num(what .. 'Done')
        local given = math.ceil(num(cursor) / num(size)) - redis.call('LLEN', list)
        if pledged == 0 and given ~= done then
            return string.format('%d %s are given out, %d are done, and none is leased', given, what, done)
        end
    end
    if phase == 'GENERATING' or phase == 'ENQUEUE_VIP' then
        return missing('chunks', chunks, chunk, 'nextChunk', 'chunkSize')
    elseif phase == 'ENQUEUE_NORMAL' then
        return missing('ranges', ranges, range, 'nextNormal', 'rangeSize')
    end
end

-- For readers of events: a capped stream, so that they miss none.
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

-- The only place where a run changes its phase by itself. Called at the end of every script that
-- changes what it reads, so check and change are one step (I1).
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
    -- A replay has counted the dead by then.
    local percent = num('chunksDone') == num('chunks') and limit('maxFailedPercent')
    if percent then
        local dead = num('vipDead') + num('normalDead')
        local done = dead + num('vipProcessed') + num('normalProcessed')
        if done >= 100 and dead > math.ceil(done * percent / 100) then
            redis.call('HSET', run, 'error',
                string.format('%d of %d orders failed: more than %d %%', dead, done, percent))
            return set_phase('ERROR')
        end
    end
    if phase == 'WAITING_VIP_DRAIN' and all_terminal('vip')
        and not (num('hold') == 1 and num('vipDead') > 0) then
        redis.call('HSET', run, 'fenceOpenedAt', stamp())
        phase = set_phase('ENQUEUE_NORMAL')
    end
    if phase == 'ENQUEUE_NORMAL' and num('rangesDone') == num('ranges') then
        phase = set_phase('WAITING_NORMAL_DRAIN')
    end
    if phase == 'WAITING_NORMAL_DRAIN' and num('saving') == 0
        and all_terminal('vip') and all_terminal('normal') then
        -- `saving`: 1, the save can be claimed; 2, it is claimed.
        redis.call('HSET', run, 'saving', 1, 'endedAt', stamp())
        publish('save')
    end
    return phase
end
