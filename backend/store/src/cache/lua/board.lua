-- Shared by the board scripts. KEYS: sorted set of members, hash of citizen -> reached and of 'applied'.
-- A member is reached .. citizen, both fixed-width hex, under a score of minus the total: so the set's own
-- order is higher total first, then who got there first, then id.

-- The journal up to which the board is whole, or false. Every member has its field: a lost key shows at once.
local function state()
  local applied = redis.call('HGET', KEYS[2], 'applied')
  if applied and redis.call('HLEN', KEYS[2]) == redis.call('ZCARD', KEYS[1]) + 1 then
    return applied
  end
  return false
end

-- Sets totals from ARGV[first] on, three by three: citizen, reached, minus the total or '' to take off.
local function place(first)
  for i = first, #ARGV, 3 do
    local citizen, reached, score = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local old = redis.call('HGET', KEYS[2], citizen)
    if old and (score == '' or old ~= reached) then
      redis.call('ZREM', KEYS[1], old .. citizen)
    end
    if score == '' then
      redis.call('HDEL', KEYS[2], citizen)
    else
      redis.call('HSET', KEYS[2], citizen, reached)
      redis.call('ZADD', KEYS[1], score, reached .. citizen)
    end
  end
end

-- Begins the board's life anew; '' keeps it for ever.
local function keep(ttl_ms)
  for _, key in ipairs(KEYS) do
    if ttl_ms == '' then
      redis.call('PERSIST', key)
    else
      redis.call('PEXPIRE', key, ttl_ms)
    end
  end
end
