-- snapshot: everything that status shows, at one instant. Reads only. Contract: snapshot.rs.
local alive_for, with_oldest = unpack(ARGV)
local heard = redis.call('ZRANGEBYSCORE', workers, '(' .. now - alive_for, '+inf', 'WITHSCORES')
local alive, beats, info = {}, {}, {}
for i = 1, #heard, 2 do
    alive[#alive + 1], beats[#beats + 1] = heard[i], heard[i + 1]
end
for from = 1, #alive, SLICE do
    local part = redis.call('HMGET', worker_info, unpack(alive, from, math.min(from + SLICE - 1, #alive)))
    for _, json in ipairs(part) do info[#info + 1] = json end
end
local answer = { now, redis.call('HGETALL', run),
    redis.call('LLEN', waiting.vip), redis.call('ZCARD', delayed.vip),
    redis.call('LLEN', waiting.normal), redis.call('ZCARD', delayed.normal),
    redis.call('ZCARD', leases), info, beats }
if with_oldest ~= '1' then return answer end

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
