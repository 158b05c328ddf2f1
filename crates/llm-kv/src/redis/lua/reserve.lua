-- Per key: by, limit ('' for none), kind of window, its length, and whether what is alone fits.
local states, readings = {}, {}
for n, key in ipairs(KEYS) do
  local at = 3 + (n - 1) * 5
  local by, limit = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local state = states[key] or open(key, ARGV[at + 2], tonumber(ARGV[at + 3]))
  states[key] = state
  local after = state.v + by
  local alone = ARGV[at + 4] == '1' and state.v <= 0
  if limit and after > limit and not alone then
    return { 0, n - 1, state.v, math.max(limit - state.v, 0), left(state) }
  end
  state.v = after
  readings[n] = { after, state.s, left(state) }
end
for n, key in ipairs(KEYS) do add(key, states[key], ARGV[3 + (n - 1) * 5]) end
return { 1, now, readings }
