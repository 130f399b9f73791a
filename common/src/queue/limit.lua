-- limit: takes one call out of a caller's allowance, which fills up evenly. By itself: it
-- shares nothing with the queue's state, so it has no prelude.
-- KEYS: the allowance of one caller; that it was told so when there was nothing left
-- ARGV: calls in a window, the window in ms
-- Answers {taken (1) or refused (0), calls left, ms until all are back, ms until the next,
--          the first that is refused in a window (1) or not (0)}
local calls, window = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local each = window / calls
-- What is kept is when the allowance will be whole again.
local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local taken, first = 0, 0
if whole + each - now <= window then
    taken, whole = 1, whole + each
    redis.call('SET', KEYS[1], string.format('%.3f', whole), 'PX', math.ceil(whole - now) + 1)
elseif redis.call('SET', KEYS[2], 1, 'NX', 'PX', window) then
    first = 1
end
local left = math.max(0, math.floor((window - (whole - now)) / each + 1e-6))
local next = math.max(0, math.ceil(whole + each - now - window))
return { taken, left, math.ceil(whole - now), next, first }
