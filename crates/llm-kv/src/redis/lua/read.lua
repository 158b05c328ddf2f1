local state = living(KEYS[1])
if not state then return false end
return { state.v, state.s, left(state) }
