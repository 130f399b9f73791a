-- snapshot: everything that status shows, at one instant. Reads only.
-- ARGV: ms without a heartbeat after which a worker does not count as alive, 1 to look
--       for what is oldest too, which takes a read for each lease
-- Answers {now, run hash, [waiting, delayed] of VIP and of NORMAL, leases,
--          earliest lease deadline, info of live workers, the last heartbeat of each};
--          if asked for, then since when the oldest lease is held ('0': there is none),
--          and the first VIP and NORMAL id that waits ('': there is none)
local heard = redis.call('ZRANGEBYSCORE', workers, '(' .. now - ARGV[1], '+inf', 'WITHSCORES')
local alive, beats, info = {}, {}, {}
for i = 1, #heard, 2 do
    alive[#alive + 1], beats[#beats + 1] = heard[i], heard[i + 1]
end
for from = 1, #alive, SLICE do
    local part = redis.call('HMGET', worker_info, unpack(alive, from, math.min(from + SLICE - 1, #alive)))
    for _, json in ipairs(part) do info[#info + 1] = json end
end
local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
local answer = { now, redis.call('HGETALL', run),
    redis.call('LLEN', waiting.vip), redis.call('ZCARD', delayed.vip),
    redis.call('LLEN', waiting.normal), redis.call('ZCARD', delayed.normal),
    redis.call('ZCARD', leases), first[2] or '0', info, beats }
if ARGV[2] ~= '1' then return answer end

local oldest = 0
for _, token in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    local record = redis.call('HGET', leased, token)
    -- Without its ids, which are most of it.
    local since = record and tonumber(record:match('^%S+ %S+ (%S+)'))
    if since and (oldest == 0 or since < oldest) then oldest = since end
end
answer[#answer + 1] = oldest
for _, priority in ipairs({ 'vip', 'normal' }) do
    answer[#answer + 1] = redis.call('LINDEX', waiting[priority], 0) or ''
end
return answer
