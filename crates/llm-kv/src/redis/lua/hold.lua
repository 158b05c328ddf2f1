-- What this process holds of a gauge, as it knows it itself.
if ARGV[3] == '0' then
  redis.call('HDEL', KEYS[1], 'c:' .. owner, 't:' .. owner)
else
  redis.call('HSET', KEYS[1], 'c:' .. owner, ARGV[3], 't:' .. owner, whole(now))
  redis.call('PEXPIRE', KEYS[1], 2 * stale)
end
return 1
