import { expect, test } from "vitest";
import { type Resolve, resolveTarget, TargetRefused } from "../src/target.ts";

const signal = AbortSignal.timeout(20_000);
/** Numbers are their own address, as for the system's resolver; names are what the test says. */
const names = (known: Readonly<Record<string, readonly string[]>>): Resolve => {
  return async (host) => {
    const isLiteral = /^[\d.]+$|:/.test(host);
    const addresses = known[host] ?? (isLiteral ? [host] : undefined);
    if (addresses === undefined) throw Object.assign(new Error(`ENOTFOUND ${host}`), { code: "ENOTFOUND" });
    return addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  };
};
const resolve = names({
  "hooks.example": ["1.1.1.1", "2a00:1450::1"],
  "half.example": ["1.1.1.1", "10.0.0.5"],
  "empty.example": [],
  localhost: ["127.0.0.1"],
  "localhost.": ["127.0.0.1"],
  "inside.example": ["10.0.0.5"],
});
const target = (url: string, ...allowed: string[]) =>
  resolveTarget({ allowed: new Set(allowed), resolve }, url, signal).then(
    ({ addresses }) => addresses.map(({ address }) => address),
    (error: unknown) => (error instanceof TargetRefused ? error.message : error),
  );

test("a name of the public internet is resolved to all of its addresses", async () => {
  expect(await target("https://hooks.example/in?x=1")).toEqual(["1.1.1.1", "2a00:1450::1"]);
  expect(await target("https://8.8.8.8:8443/")).toEqual(["8.8.8.8"]);
});

test.each([
  "https://127.0.0.1/",
  "https://127.1/",
  "https://0x7f.1/",
  "https://0177.0.0.1/",
  "https://2130706433/",
  "https://0/",
  "https://[::]/",
  "https://[::1]/",
  "https://[::ffff:a9fe:a9fe]/latest/meta-data/",
  "https://127。0。0。1/",
  "https://１２７.0.0.1/",
  "https://localhost/",
  "https://localhost./",
  "https://LOCALHOST/",
  "https://half.example/",
  "https://169.254.169.254/latest/meta-data/",
])("%s is refused: it is not on the public internet", async (url) => {
  expect(await target(url)).toBe("its host is not on the public internet");
});

test.each([
  ["http://hooks.example/", "it is not https"],
  ["ftp://hooks.example/", "it is not https"],
  ["file:///etc/passwd", "it is not https"],
  ["gopher://127.0.0.1:6379/_x", "it is not https"],
  ["https://user:word@hooks.example/", "it holds credentials"],
  ["https://hooks.example@127.0.0.1/", "it holds credentials"],
  ["https://nobody.example/", "its host is not known"],
  ["https://empty.example/", "its host is not known"],
  ["//hooks.example/", "it is no URL"],
  ["https://", "it is no URL"],
])("%s is refused: %s", async (url, reason) => {
  expect(await target(url)).toBe(reason);
});

test("what a deployment allows by host, or by host and port, may be private and without TLS", async () => {
  expect(await target("http://inside.example:4000/", "inside.example")).toEqual(["10.0.0.5"]);
  expect(await target("http://127.0.0.1:4000/", "127.0.0.1:4000")).toEqual(["127.0.0.1"]);
  expect(await target("http://127.0.0.1:4001/", "127.0.0.1:4000")).toBe("it is not https");
});

test("a look-up that does not end is left when the time is up", async () => {
  const ended = AbortSignal.abort(new Error("time is up"));
  const stuck: Resolve = () => new Promise(() => {});
  await expect(resolveTarget({ allowed: new Set(), resolve: stuck }, "https://a.example/", ended)).rejects.toThrow(
    "time is up",
  );
});
