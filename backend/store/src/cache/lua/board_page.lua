local applied = state()
if not applied then
  return false
end
local places = redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[2], 'WITHSCORES')
return {applied, redis.call('ZCARD', KEYS[1]), places}
