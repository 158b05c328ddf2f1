-- Per key: by, limit ('' for none), kind of window, its length, whether what is alone fits, and the least value.
local states, readings = {}, {}
for n, key in ipairs(KEYS) do
  local at = 3 + (n - 1) * 6
  local by, limit, floor = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 5])
  local state = states[key] or open(key, ARGV[at + 2], tonumber(ARGV[at + 3]))
  states[key] = state
  if floor > state.v then
    state.raise = (state.raise or 0) + floor - state.v
    state.v = floor
  end
  local after = state.v + by
  local alone = ARGV[at + 4] == '1' and state.v <= 0
  if limit and after > limit and not alone then
    return { 0, n - 1, state.v, math.max(limit - state.v, 0), left(state) }
  end
  state.v = after
  readings[n] = { after, state.s, left(state) }
end
for key, state in pairs(states) do
  if state.raise then add(key, state, whole(state.raise)) end
end
for n, key in ipairs(KEYS) do add(key, states[key], ARGV[3 + (n - 1) * 6]) end
return { 1, now, readings }
