-- Keeps a code instead of any earlier one. KEYS: code. ARGV: hash, tries, life in ms.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'hash', ARGV[1], 'left', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
