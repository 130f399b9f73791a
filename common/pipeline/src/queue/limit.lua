-- limit: takes one call out of a caller's allowance, which fills up evenly. By itself: it
-- shares nothing with the queue's state, so it has no prelude. Contract: limit.rs.
local allowance, told = KEYS[1], KEYS[2]
local calls, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local each = window / calls
-- What is kept is when the allowance will be whole again.
local whole = math.max(tonumber(redis.call('GET', allowance) or 0), now)
local taken, first = 0, 0
if whole + each - now <= window then
    taken, whole = 1, whole + each
    redis.call('SET', allowance, string.format('%.3f', whole), 'PX', math.ceil(whole - now) + 1)
elseif redis.call('SET', told, 1, 'NX', 'PX', window) then
    first = 1
end
local left = math.max(0, math.floor((window - (whole - now)) / each + 1e-6))
local next = math.max(0, math.ceil(whole + each - now - window))
return { taken, left, math.ceil(whole - now), next, first }
