if state() ~= ARGV[2] then
  return 0
end
place(4)
redis.call('HSET', KEYS[2], 'applied', ARGV[3])
keep(ARGV[1])
return 1
