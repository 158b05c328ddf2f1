-- A counter is a hash: v its value, s when its window began, e when it ends (0: never).
-- A gauge is a hash: c:OWNER what that process holds, t:OWNER when it was last heard of. What a process that has not been
-- heard of for ARGV[2] milliseconds holds does not count any more.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local owner, stale = ARGV[1], tonumber(ARGV[2])

local function whole(number) return string.format('%.0f', number) end

local function gauge(key)
  local all, held, heard, sum = redis.call('HGETALL', key), {}, {}, 0
  for n = 1, #all, 2 do
    local kind, who = string.sub(all[n], 1, 2), string.sub(all[n], 3)
    if kind == 'c:' then held[who] = tonumber(all[n + 1]) else heard[who] = tonumber(all[n + 1]) end
  end
  for who, count in pairs(held) do
    if now - (heard[who] or 0) > stale then
      redis.call('HDEL', key, 'c:' .. who, 't:' .. who)
    else
      sum = sum + count
    end
  end
  return { v = sum, s = now, e = 0, gauge = true, own = held[owner] or 0 }
end

local function begin(kind, length)
  if kind == 'f' then return { v = 0, s = now, e = now + length, new = true } end
  if kind == 'a' then
    local s = now - now % length
    return { v = 0, s = s, e = s + length, new = true }
  end
  return { v = 0, s = now, e = 0, new = true }
end

-- What lives under the key: a counter whose window runs, a gauge, or nothing.
local function living(key)
  local got = redis.call('HMGET', key, 'v', 's', 'e')
  if not got[1] then
    if redis.call('EXISTS', key) == 1 then return gauge(key) end
    return nil
  end
  local e = tonumber(got[3])
  if e ~= 0 and now >= e then return nil end
  return { v = tonumber(got[1]), s = tonumber(got[2]), e = e }
end

local function open(key, kind, length)
  if kind == 'i' then return gauge(key) end
  return living(key) or begin(kind, length)
end

local function left(state)
  if state.e == 0 then return -1 end
  return state.e - now
end

local function add(key, state, by)
  if state.gauge then
    redis.call('HINCRBY', key, 'c:' .. owner, by)
    redis.call('HSET', key, 't:' .. owner, whole(now))
    redis.call('PEXPIRE', key, 2 * stale)
    return
  end
  if state.new then
    redis.call('DEL', key)
    redis.call('HSET', key, 'v', '0', 's', whole(state.s), 'e', whole(state.e))
    if state.e ~= 0 then redis.call('PEXPIREAT', key, whole(state.e)) end
    state.new = false
  end
  redis.call('HINCRBY', key, 'v', by)
end
