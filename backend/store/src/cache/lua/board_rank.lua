local reached = redis.call('HGET', KEYS[2], ARGV[1])
if not reached then
  return false
end
local rank = redis.call('ZRANK', KEYS[1], reached .. ARGV[1])
if not rank then
  return false
end
return {rank, redis.call('ZSCORE', KEYS[1], reached .. ARGV[1])}
