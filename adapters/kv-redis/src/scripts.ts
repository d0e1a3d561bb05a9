/**
 * Lua that Redis runs in one piece; each takes its time from Redis' clock, so that those of the clients do not matter.
 * KEYS[1] is what it is about.
 */

/** ARGV: by, milliseconds to live or 0. */
export const count = `
local value = redis.call("INCRBY", KEYS[1], ARGV[1])
if tonumber(ARGV[2]) > 0 and redis.call("PTTL", KEYS[1]) < 0 then redis.call("PEXPIRE", KEYS[1], ARGV[2]) end
return value`;

/** ARGV: tokens, capacity, tokens a second. Answers milliseconds to wait. A bucket that would be full again is forgotten. */
export const take = `
local time = redis.call("TIME")
local now = time[1] * 1000 + time[2] / 1000
local tokens, capacity, perMs = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]) / 1000
local kept = redis.call("HMGET", KEYS[1], "left", "at")
local left = math.min(capacity, (tonumber(kept[1]) or capacity) + math.max(0, now - (tonumber(kept[2]) or now)) * perMs)
local needed = math.min(tokens, capacity)
if left < needed then return math.ceil((needed - left) / perMs) end
left = left - tokens
redis.call("HSET", KEYS[1], "left", string.format("%.6f", left), "at", string.format("%.3f", now))
redis.call("PEXPIRE", KEYS[1], math.ceil((capacity - left) / perMs) + 1000)
return 0`;

/** KEYS[2] is the last fence; ARGV: holder, milliseconds. A fence is no less than the time in microseconds: it grows though Redis forgot the last. */
export const lock = `
if not redis.call("SET", KEYS[1], ARGV[1], "NX", "PX", ARGV[2]) then return false end
local time = redis.call("TIME")
local fence = math.max((tonumber(redis.call("GET", KEYS[2])) or 0) + 1, time[1] * 1000000 + time[2])
redis.call("SET", KEYS[2], string.format("%.0f", fence))
return string.format("%.0f", fence)`;

/** ARGV: holder, milliseconds. */
export const extend = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])`;

/** ARGV: holder. */
export const release = `
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])`;
