-- adopt: raises Redis to a version of control: open, replay, flag, abort, end
-- or forget a run.
-- ARGV: version, ordersVersion, runId ('' for none), seed, createdAt, quantity,
--       chunk size, range size, MAX_DEAD, intent, paused 0/1,
--       ms that a cancel waits for leases, the last run in the history ('' for
--       none), what a person decided about dead letters, then pairs of field and
--       figure: of an ended run all of them, of a run that is replayed the stamps
--       known from its document
-- Answers 1, or 0 if this Redis is at that version or a later one.
local version, orders_version = tonumber(ARGV[1]), tonumber(ARGV[2])
local run_id, intent = ARGV[3], ARGV[10]
local had = num('version')
if version <= had then return 0 end
local clock = stamp()
local before = redis.call('HMGET', run, 'runId', 'phase')

local function forget()
    redis.call('DEL', chunks, ranges, waiting.vip, waiting.normal, leases, leased,
        delayed.vip, delayed.normal, attempts)
end

local function figures()
    for i = 15, #ARGV, 2 do redis.call('HSET', run, ARGV[i], ARGV[i + 1]) end
end

if run_id == '' then
    forget()
    redis.call('DEL', run)
    redis.call('HSET', run, 'phase', 'IDLE')
elseif redis.call('HGET', run, 'runId') ~= run_id or had < orders_version then
    forget()
    redis.call('DEL', run)
    local quantity, chunk, range = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
    redis.call('HSET', run, 'runId', run_id, 'seed', ARGV[4], 'createdAt', ARGV[5],
        'quantity', quantity, 'chunkSize', chunk, 'rangeSize', range, 'maxDead', ARGV[9],
        'chunks', math.ceil(quantity / chunk), 'ranges', math.ceil(quantity / range),
        'progressAt', clock, 'phase', 'GENERATING')
    figures()
end
redis.call('HSET', run, 'format', FORMAT, 'version', version, 'clock', clock, 'paused', ARGV[11],
    'lastRunId', ARGV[13], 'letters', ARGV[14])

if intent == 'cancel' and num('aborted') == 0 then
    redis.call('HSET', run, 'aborted', 1, 'saving', 1, 'saveAfter', now + 2000,
        'abortDeadline', now + 2000 + ARGV[12])
elseif intent == 'ended' then
    forget()
    redis.call('HDEL', run, 'vipLeased', 'normalLeased', 'vipPledged', 'normalPledged',
        'saving', 'error')
    figures()
end
local after = redis.call('HMGET', run, 'runId', 'phase')
if after[1] ~= before[1] or after[2] ~= before[2] then announce(after[2]) end
publish('wake')
return 1
