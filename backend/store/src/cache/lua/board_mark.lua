redis.call('HSET', KEYS[2], 'applied', ARGV[2])
keep(ARGV[1])
return 1
