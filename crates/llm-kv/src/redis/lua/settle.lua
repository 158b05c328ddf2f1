-- Per key: by, and the moment of the reservation ('' for whenever).
local values = {}
for n, key in ipairs(KEYS) do
  local at = 3 + (n - 1) * 2
  local by, since = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local state = living(key)
  if not state or (since and since < state.s and not state.gauge) then
    values[n] = false
  elseif state.gauge then
    local change = math.max(by, -state.own)
    values[n] = state.v + change
    if state.own + change == 0 then
      redis.call('HDEL', key, 'c:' .. owner, 't:' .. owner)
    else
      add(key, state, whole(change))
    end
  else
    values[n] = math.max(state.v + by, 0)
    if state.v + by < 0 then
      redis.call('HSET', key, 'v', '0')
    else
      redis.call('HINCRBY', key, 'v', ARGV[at])
    end
  end
end
return values
