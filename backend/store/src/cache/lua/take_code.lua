-- Tries a code. KEYS: code. ARGV: hash. Gives -2 right, -1 gone, else the tries left.
local hash = redis.call('HGET', KEYS[1], 'hash')
if not hash then
  return -1
end
if hash == ARGV[1] then
  redis.call('DEL', KEYS[1])
  return -2
end
local left = redis.call('HINCRBY', KEYS[1], 'left', -1)
if left <= 0 then
  redis.call('DEL', KEYS[1])
  return 0
end
return left
