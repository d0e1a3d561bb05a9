import { describe, expect, test } from "vitest";
import { addressKey } from "../../src/edge/client-address.ts";
import { RateLimiter } from "../../src/edge/rate-limiter.ts";
import { trustedBy } from "../../src/edge/trusted-proxies.ts";
import { adminKey, bearer, buyerKey, serve } from "../serving.ts";

describe("a bucket", () => {
  test("gives its count at once, then earns evenly, never beyond its count", () => {
    const limiter = new RateLimiter("address", { count: 10, windowMs: 1_000 }, 100);
    const allowed = (now: number, times: number) =>
      Array.from({ length: times }, () => limiter.take("a", now)).filter(({ isAllowed }) => isAllowed).length;
    expect(allowed(0, 15)).toBe(10);
    expect(allowed(99, 5)).toBe(0);
    expect(allowed(100, 5)).toBe(1);
    expect(allowed(1_000_000, 15)).toBe(10);
    expect(limiter.take("b", 1_000_000)).toEqual({ isAllowed: true, left: 9, waitMs: 0 });
    expect(limiter.take("a", 1_000_000)).toEqual({ isAllowed: false, left: 0, waitMs: 100 });
    expect(limiter.policy).toBe('"address";q=10;w=1');
    expect(limiter.describe({ isAllowed: false, left: 0, waitMs: 1_500 })).toBe('"address";r=0;t=2');
  });

  test("is forgotten when many others came since, not while its caller keeps coming", () => {
    const limiter = new RateLimiter("address", { count: 2, windowMs: 1e9 }, 100);
    for (let others = 0; others < 1_000; others++) {
      limiter.take("steady", 0);
      limiter.take(`other${others}`, 0);
    }
    expect(limiter.take("steady", 0).isAllowed).toBe(false);
    expect(limiter.take("other1", 0).isAllowed).toBe(true);
    expect(heldBy(limiter)).toBeLessThanOrEqual(100);
  });
});

describe("an address", () => {
  test.each([
    ["10.0.0.7", "10.0.0.7"],
    ["::ffff:10.0.0.7", "10.0.0.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ])("%s counts as %s", (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test("is a trusted proxy's by range alone", () => {
    const isTrusted = trustedBy(["10.0.0.0/8", "192.168.1.1", "2001:db8::/32"]);
    const verdict = (...addresses: string[]) => addresses.map(isTrusted);
    expect(verdict("10.9.9.9", "192.168.1.1", "2001:db8::1", "::ffff:10.1.1.1")).toEqual([true, true, true, true]);
    expect(verdict("11.0.0.1", "192.168.1.2", "2001:db9::1", "unix:", "", "10.0.0")).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
    for (const wrong of ["10.0.0.0/33", "proxy.internal", "10.0.0.0/", "loopback", ""])
      expect(() => trustedBy([wrong])).toThrow("trusted proxy");
  });
});

const few = { perAddress: { count: 3, windowMs: 60_000 }, perSubject: { count: 5, windowMs: 60_000 } };

test("beyond the limit: 429 with Retry-After, RateLimit and its policy, and everyone else is served", async () => {
  const { get } = await serve({ limits: few });
  const statuses = async (count: number, headers: Record<string, string>) => {
    const answers = [];
    for (let index = 0; index < count; index++) answers.push((await get("/users/1", { headers })).status);
    return answers;
  };
  expect(await statuses(4, {})).toEqual([200, 200, 200, 429]);
  expect(await statuses(6, bearer(buyerKey))).toEqual([200, 200, 200, 200, 200, 429]);
  expect(await statuses(1, bearer(adminKey))).toEqual([200]);
  const refused = await get("/users/1");
  expect(refused.headers.get("ratelimit-policy")).toBe('"address";q=3;w=60');
  expect(refused.headers.get("ratelimit")).toMatch(/^"address";r=0;t=\d+$/);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ code: "gateway.rateLimited", retry: "yes" });
  expect((await get("/health")).status).toBe(200);
});

test("guessing keys counts for the guesser's address, then is not even looked at", async () => {
  const { get } = await serve({ limits: few });
  const guess = async (index: number) =>
    (await get("/users/1", { headers: bearer(`guess-${index}-0123456789-0123456789`) })).status;
  expect([await guess(1), await guess(2), await guess(3), await guess(4)]).toEqual([401, 401, 401, 429]);
  expect((await get("/users/1", { headers: bearer(buyerKey) })).status).toBe(200);
});

test("1,000 spoofed X-Forwarded-For are one bucket", async () => {
  const { get } = await serve({ limits: few });
  let served = 0;
  for (let index = 0; index < 1_000; index++) {
    const spoofed = {
      "x-forwarded-for": `203.0.${index >> 8}.${index & 255}`,
      "x-real-ip": `198.51.100.${index & 255}`,
      forwarded: `for=192.0.2.${index & 255}`,
    };
    const answer = await get("/users/1", { headers: spoofed });
    await answer.arrayBuffer();
    if (answer.status === 200) served++;
  }
  expect(served).toBe(3);
});

test("behind a trusted proxy the address that it adds counts, an IPv6 one by its /64, whatever the client put before", async () => {
  const { get } = await serve({ limits: few, trustedProxies: ["127.0.0.0/8"] });
  const status = async (forwarded: string) =>
    (await get("/users/1", { headers: { "x-forwarded-for": forwarded } })).status;
  expect([
    await status("203.0.113.1"),
    await status("6.6.6.6, 203.0.113.1"),
    await status("7.7.7.7, 203.0.113.1"),
  ]).toEqual([200, 200, 200]);
  expect(await status("8.8.8.8, 203.0.113.1")).toBe(429);
  expect(await status("203.0.113.2")).toBe(200);
  for (const tail of ["1", "2:3", "ffff:1"]) expect(await status(`2001:db8::${tail}`)).toBe(200);
  expect(await status("2001:db8::4:5:6:7")).toBe(429);
});

function heldBy(limiter: RateLimiter): number {
  const { younger, older } = limiter as unknown as { younger: Map<string, unknown>; older: Map<string, unknown> };
  return younger.size + older.size;
}
