-- adopt: raises Redis to a version of control: open, replay, pause, cancel, end or forget a
-- run. Contract: adopt.rs.
local version, orders_version, run_id, seed, created_at, quantity, chunk, range, max_dead, intent,
    paused, wait_ms, last_run_id, letters, first_figures = unpack(ARGV, 1, 15)
-- What a retry put back after the end of the run, and the version that shows that end (0: none).
local end_version, vip_back, normal_back, late_vip = unpack(ARGV, 16, 19)
local hidden, purged, new_format, ids_ms, source = unpack(ARGV, 20, 24)
-- A limit that is not set is empty.
local processor, hold, pause_after, max_failed, rate, in_flight, paused_by = unpack(ARGV, 25, 31)
local first_figure = 32 -- then pairs of field and figure
version, orders_version = tonumber(version), tonumber(orders_version)
local had = num('version')
if version <= had then return 0 end
local clock = stamp()
local before = redis.call('HMGET', run, 'runId', 'phase')
-- Stamps of a run that is opened again: its time begins behind them.
local STAMPS = { 'createdAt', 'generationStart', 'generationEnd', 'vipStart', 'vipEnd',
    'normalStart', 'normalEnd', 'fenceOpenedAt', 'endedAt' }

local function forget()
    redis.call('DEL', chunks, ranges, waiting.vip, waiting.normal, leases, leased,
        delayed.vip, delayed.normal, attempts)
end

local function figures()
    for i = first_figure, #ARGV, 2 do redis.call('HSET', run, ARGV[i], ARGV[i + 1]) end
end

local taken_up = had == tonumber(end_version) and before[1] == run_id and before[2] == 'DONE'
if run_id == '' then
    forget()
    redis.call('DEL', run)
    redis.call('HSET', run, 'phase', 'IDLE')
    begin_time(now)
elseif taken_up then
    -- Every order is terminal and counted here, so these are what is dead and no other.
    redis.call('HINCRBY', run, 'vipDead', 0 - #vip_back / ID)
    redis.call('HINCRBY', run, 'normalDead', 0 - #normal_back / ID)
    redis.call('HINCRBY', run, 'lateVip', late_vip)
    push_tail(waiting.vip, vip_back)
    push_tail(waiting.normal, normal_back)
    local all = num('quantity')
    redis.call('HSET', run, 'chunksDone', num('chunks'), 'rangesDone', num('ranges'),
        'nextChunk', all, 'nextNormal', all, 'progressAt', clock)
    redis.call('HDEL', run, 'endedAt', 'replay')
elseif before[1] ~= run_id or had < orders_version then
    forget()
    redis.call('DEL', run)
    quantity, chunk, range = tonumber(quantity), tonumber(chunk), tonumber(range)
    redis.call('HSET', run, 'runId', run_id, 'seed', seed, 'createdAt', created_at,
        'quantity', quantity, 'chunkSize', chunk, 'rangeSize', range, 'maxDead', max_dead,
        'chunks', math.ceil(quantity / chunk), 'ranges', math.ceil(quantity / range),
        'phase', 'GENERATING', 'idsMs', ids_ms, 'source', source)
    figures()
    local from = before[1] == run_id and clock or 0
    for _, field in ipairs(STAMPS) do from = math.max(from, num(field)) end
    redis.call('HSET', run, 'progressAt', begin_time(from))
end
redis.call('HSET', run, 'format', new_format, 'version', version, 'paused', paused,
    'lastRunId', last_run_id, 'letters', letters, 'first', first_figures, 'hidden', hidden,
    'purged', purged, 'processor', processor, 'hold', hold, 'pauseAfter', pause_after,
    'maxFailedPercent', max_failed, 'rate', rate, 'maxInFlight', in_flight, 'pausedBy', paused_by)
if taken_up then
    set_phase('WAITING_VIP_DRAIN')
    before[2] = advance()
end

if intent == 'cancel' and num('aborted') == 0 then
    -- Nothing more is generated.
    if num('generationStart') > 0 and num('generationEnd') == 0 then
        redis.call('HSET', run, 'generationEnd', stamp())
    end
    local open = 0
    for _, priority in ipairs({ 'vip', 'normal' }) do
        open = open + num(priority .. 'Generated') - num(priority .. 'Processed')
            - num(priority .. 'Dead') - num(priority .. 'Removed')
    end
    redis.call('HSET', run, 'aborted', 1, 'saving', 1, 'saveAfter', now + 2000,
        'abortDeadline', now + 2000 + wait_ms, 'cancelOf', open)
    -- What would be pushed under these is not wanted any more: nobody waits for them.
    for _, token in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
        local record = redis.call('HGET', leased, token)
        local lease = record and read_lease(record)
        if lease and FEEDS[lease.kind] then give_back(token, lease) end
    end
elseif intent == 'ended' then
    forget()
    redis.call('HDEL', run, 'vipLeased', 'normalLeased', 'vipPledged', 'normalPledged',
        'saving', 'error', 'cancelAttempt', 'cancelFrom', 'cancelBefore', 'cancelMarked',
        'cancelOf')
    figures()
end
local after = redis.call('HMGET', run, 'runId', 'phase')
if after[1] ~= before[1] or after[2] ~= before[2] then announce(after[2]) end
-- What is not held back any more goes on at once.
if intent == 'run' then advance() end
publish('wake')
return 1
