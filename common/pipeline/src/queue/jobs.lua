-- jobs: a page of what the queue holds in one state. Reads only. Contract: jobs.rs.
local wanted, first, last = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local total, answer = 0, { 0 }

-- Of a part with so many jobs, those that are on the page.
local function on_page(jobs, take)
    local from, to = math.max(first - total, 0), math.min(last - total, jobs - 1)
    total = total + jobs
    if from <= to then take(from, to) end
end
local function add(kind, since, a, b, ids)
    for _, value in ipairs({ kind, since, a, b, ids }) do answer[#answer + 1] = value end
end

local state = {}
function state.waiting()
    for _, priority in ipairs({ 'vip', 'normal' }) do
        local list = waiting[priority]
        on_page(redis.call('LLEN', list), function(from, to)
            add(priority, 0, 0, 0, table.concat(redis.call('LRANGE', list, from, to)))
        end)
    end
end
function state.delayed()
    for _, priority in ipairs({ 'vip', 'normal' }) do
        local set = delayed[priority]
        on_page(redis.call('ZCARD', set), function(from, to)
            add(priority, 0, 0, 0, table.concat(redis.call('ZRANGE', set, from, to)))
        end)
    end
end
function state.active()
    local held = {}
    for _, token in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
        local lease = read_lease(redis.call('HGET', leased, token))
        lease.token = token
        held[#held + 1] = lease
    end
    table.sort(held, function(one, other)
        if one.since ~= other.since then return one.since < other.since end
        return one.token < other.token
    end)
    for _, lease in ipairs(held) do
        if lease.kind == 'generate' then
            on_page(1, function() add(lease.kind, lease.since, lease.a, lease.b, '') end)
        elseif waiting[lease.kind] then
            on_page(#lease.ids / ID, function(from, to)
                add(lease.kind, lease.since, 0, 0, lease.ids:sub(from * ID + 1, (to + 1) * ID))
            end)
        end
    end
end
state[wanted]()
answer[1] = total
return answer
