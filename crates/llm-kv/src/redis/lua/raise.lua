-- The least value, kind of window, its length.
local state = open(KEYS[1], ARGV[4], tonumber(ARGV[5]))
local by = tonumber(ARGV[3]) - state.v
if by > 0 or state.new then add(KEYS[1], state, whole(math.max(by, 0))) end
return { math.max(state.v, tonumber(ARGV[3])), state.s, left(state) }
