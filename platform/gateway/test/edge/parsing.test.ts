import { connect } from "node:net";
import { deflateSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { adminKey, bearer, raw, serve } from "../serving.ts";

const head = (...lines: string[]) => `${[...lines, "host: a", "connection: close"].join("\r\n")}\r\n\r\n`;
const post = (headers: string, body = "") =>
  `POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;

describe("a request that two servers could read differently is refused with 400, and its connection closed", () => {
  test.each([
    [
      "Content-Length beside Transfer-Encoding",
      post("content-length: 4\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
    ],
    ["two lengths", post("content-length: 2\r\ncontent-length: 3\r\n", "{}x")],
    ["two equal lengths in one header", post("content-length: 2, 2\r\n", "{}")],
    ["a space before the colon", post("transfer-encoding : chunked\r\n", "0\r\n\r\n")],
    ["an encoding that only looks like chunked", post("transfer-encoding: xchunked\r\n", "0\r\n\r\n")],
    ["a length with a sign", post("content-length: +2\r\n", "{}")],
    ["a chunk size that is none", post("transfer-encoding: chunked\r\n", "2;\n{}\r\n0\r\n\r\n")],
    ["a folded header", "GET /users/1 HTTP/1.1\r\nhost: a\r\nx-folded: a\r\n b\r\n\r\n"],
    ["lines that end in LF alone", "GET /users/1 HTTP/1.1\nhost: a\n\n"],
    ["a header that ends in LF alone", "GET /users/1 HTTP/1.1\r\nhost: a\nx: y\r\n\r\n"],
    ["a CR inside a header", "GET /users/1 HTTP/1.1\r\nhost: a\r\nx: a\rb\r\n\r\n"],
    ["NUL in a header", "GET /users/1 HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n"],
    ["NUL in a header's name", "GET /users/1 HTTP/1.1\r\nhost: a\r\nx\0: b\r\n\r\n"],
    ["NUL in the target", "GET /users/1\0 HTTP/1.1\r\nhost: a\r\n\r\n"],
    ["no Host", "GET /users/1 HTTP/1.1\r\n\r\n"],
    ["two Hosts", head("GET /users/1 HTTP/1.1", "host: b")],
    ["two equal Hosts", head("GET /users/1 HTTP/1.1", "Host: a")],
    ["two Content-Types", post("Content-Type: application/json\r\ncontent-length: 2\r\n", "{}")],
    ["two Authorizations", head("GET /users/1 HTTP/1.1", "authorization: Bearer a", "Authorization: Bearer b")],
    ["two Idempotency-Keys", head("GET /users/1 HTTP/1.1", "idempotency-key: a", "Idempotency-Key: b")],
    ["an absolute-form target", head("GET http://evil.example/users/1 HTTP/1.1")],
    ["an authority-form target", head("GET evil.example:80 HTTP/1.1")],
    ["an asterisk", head("OPTIONS * HTTP/1.1")],
    ["a fragment", head("GET /users/1#x HTTP/1.1")],
    ["a backslash", head("GET /users\\1 HTTP/1.1")],
    ["raw bytes beyond ASCII", head("GET /users/é HTTP/1.1")],
    ["a wrong percent-encoding", head("GET /users/%zz HTTP/1.1")],
    ["a GET with a body", head("GET /users/1 HTTP/1.1", "content-length: 2").replace(/$/, "{}")],
    ["another version", "GET /users/1 HTTP/3.0\r\nhost: a\r\n\r\n"],
    ["HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    ["TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  ])("%s", async (_name, bytes) => {
    const { port } = await serve();
    const { status, text, isClosed } = await raw(port, Buffer.from(bytes, "latin1"));
    expect([status, text.match(/HTTP\/1\.1 \d{3}/g)?.length]).toEqual([400, 1]);
    expect(text).toContain("application/problem+json");
    if (!bytes.includes("connection: close")) expect(isClosed || text.includes("keep-alive")).toBe(true);
  });

  test("so that a second request smuggled behind a first is never answered", async () => {
    const { port } = await serve();
    const smuggled = "GET /admin HTTP/1.1\r\nhost: a\r\n\r\n";
    const { text } = await raw(
      port,
      post(`content-length: ${smuggled.length + 5}\r\ntransfer-encoding: chunked\r\n`, `0\r\n\r\n${smuggled}`),
    );
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toHaveLength(1);
  });

  test("an Upgrade is not taken: what follows is no other protocol", async () => {
    const { port } = await serve();
    const { status, text } = await raw(
      port,
      head("GET /users/1 HTTP/1.1", "upgrade: websocket", "connection: upgrade"),
    );
    expect([status, text.includes("101")]).toEqual([200, false]);
  });
});

describe("a path is decided as its canonical form, or refused", () => {
  test.each([
    ["//admin", 400],
    ["/admin/", 404],
    ["/admin;x", 404],
    ["/admin;x=1/../admin", 400],
    ["/%61dmin", 401],
    ["/%2561dmin", 404],
    ["/a/..%2fadmin", 400],
    ["/a/%2e%2e/admin", 400],
    ["/a/../admin", 400],
    ["/./admin", 400],
    ["/admin/.", 400],
    ["/..%5cadmin", 400],
    ["/admin%00", 400],
    ["/ADMIN", 404],
    ["/admin?x=1", 401],
  ])("%s -> %i without credentials", async (path, expected) => {
    const { port } = await serve();
    expect((await raw(port, head(`GET ${path} HTTP/1.1`))).status).toBe(expected);
  });
});

describe("limits on the head", () => {
  test("2,500 headers, or a header of 20 KB: 431", async () => {
    const { port } = await serve();
    const many = Array.from({ length: 2_500 }, (_, index) => `h${index}:`);
    expect((await raw(port, head("GET /users/1 HTTP/1.1", ...many))).status).toBe(431);
    const hundred = Array.from({ length: 101 }, (_, index) => `h${index}: v`);
    expect((await raw(port, head("GET /users/1 HTTP/1.1", ...hundred))).status).toBe(431);
    expect((await raw(port, head("GET /users/1 HTTP/1.1", `x: ${"y".repeat(20_000)}`))).status).toBe(431);
    expect((await raw(port, head("GET /users/1 HTTP/1.1", ...hundred.slice(5)))).status).toBe(200);
  });

  test("a target of 9 KB: 414", async () => {
    const { port } = await serve();
    expect((await raw(port, head(`GET /users/${"a".repeat(9_000)} HTTP/1.1`))).status).toBe(414);
  });
});

describe("a Content-Type that is not quite application/json", () => {
  test.each([
    "application/json\ta",
    "application/json a",
    "application/json; charset=utf-16",
    "application/json; charset=utf-8; charset=utf-16",
    "application/json, text/html",
    "application/jsonx",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application",
    "",
  ])("%j: 415", async (type) => {
    const { port } = await serve();
    const body = '{"name":"a","age":1,"tags":[]}';
    const request = `POST /users HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: ${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    expect((await raw(port, request)).status).toBe(415);
  });

  test("without one, a body is not guessed at: 415; with a space before it, it is what it says", async () => {
    const { port } = await serve();
    const body = '{"name":"a","age":1,"tags":[]}';
    const request = (type: string) =>
      `POST /users HTTP/1.1\r\nhost: a\r\nconnection: close\r\n${type}content-length: ${body.length}\r\n\r\n${body}`;
    expect((await raw(port, request(""))).status).toBe(415);
    expect((await raw(port, request("content-type:    application/json\r\n"))).status).toBe(201);
  });
});

describe("bodies", () => {
  test("that pollute, repeat a key, or hold a number that cannot be kept: 400 naming the field", async () => {
    const { post } = await serve();
    for (const [body, field] of [
      ['{"__proto__":{"admin":true}}', "__proto__"],
      ['{"name":"a","constructor":{"prototype":{"admin":true}}}', "constructor.prototype"],
      ['{"name":"a","name":"b"}', "name"],
      ['{"age":9007199254740993}', "age"],
      ['{"age":1e400}', "age"],
      ['{"age":NaN}', "age"],
      ['{"tags":["a",-Infinity]}', "tags.1"],
      ['{"name":"\\u0000"}', "name"],
      ['{"name":"\\ud800"}', "name"],
    ]) {
      const answer = await post("/users", body);
      expect([answer.status, ((await answer.json()) as { field: string }).field]).toEqual([400, field]);
    }
    expect(({} as { admin?: boolean }).admin).toBe(undefined);
  });

  test("that are not JSON, not UTF-8 or not one object: 400, without a quotation of them", async () => {
    const { post, get } = await serve();
    for (const body of ['{"secret-canary":}', '{"a":1}}', '{"a":1,}', "\ufeff{}", "{'a':1}", '"secret-canary"']) {
      const answer = await post("/users", body);
      expect([answer.status, (await answer.text()).includes("canary")]).toEqual([400, false]);
    }
    const bytes = new Uint8Array([123, 34, 110, 34, 58, 34, 0xc3, 0x28, 34, 125]);
    expect(
      (await get("/users", { method: "POST", headers: { "content-type": "application/json" }, body: bytes })).status,
    ).toBe(400);
  });

  test("nested 20,000 deep: 400; 10 MB of [[[[: 413; both before anything is parsed", async () => {
    const { post } = await serve();
    expect((await post("/users", "[".repeat(20_000))).status).toBe(400);
    const deep = await post("/users", `{"tags":${"[".repeat(20_000)}${"]".repeat(20_000)}}`);
    expect(await deep.json()).toMatchObject({ status: 400, detail: expect.stringContaining("deeper than 32") });
    const huge = await post("/users", "[".repeat(10_000_000)).catch((error: Error) => error);
    if (huge instanceof Response) expect(huge.status).toBe(413);
  });

  test("that are compressed: gzip is unpacked up to the limit, what unfolds beyond it is 413, other ways are 415", async () => {
    const { get } = await serve();
    const post = (body: Uint8Array, encoding: string) =>
      get("/users", {
        method: "POST",
        headers: { "content-type": "application/json", "content-encoding": encoding },
        body: body as never,
      });
    const user = JSON.stringify({ name: "Ann", age: 30, tags: [] });
    for (const name of ["gzip", "GZIP", "x-gzip"]) expect((await post(gzipSync(user), name)).status).toBe(201);
    expect((await post(gzipSync(Buffer.alloc(10_000_000)), "gzip")).status).toBe(413);
    expect((await post(Buffer.from(user), "gzip")).status).toBe(400);
    const other = await post(deflateSync(user), "deflate");
    expect([other.status, other.headers.get("accept-encoding")]).toEqual([415, "gzip, identity"]);
  });

  test("of 1 GB in chunks: 413 at the limit, the connection cut, memory flat", async () => {
    const { port } = await serve();
    const before = process.memoryUsage.rss();
    const { status, sentBytes } = await stream(port, 1_000_000_000);
    expect(status).toBe(413);
    expect(sentBytes).toBeLessThan(50_000_000);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100_000_000);
  });

  test("in pieces, cut inside a character: one text", async () => {
    const { port } = await serve();
    const bytes = Buffer.from('{"name":"Zoë","age":1,"tags":[]}');
    const cut = bytes.indexOf(0xc3) + 1;
    const chunks = [bytes.subarray(0, cut), bytes.subarray(cut), Buffer.alloc(0)].flatMap((piece) => [
      Buffer.from(`${piece.length.toString(16)}\r\n`),
      piece,
      Buffer.from("\r\n"),
    ]);
    const answer = await raw(port, Buffer.concat([Buffer.from(post("transfer-encoding: chunked\r\n")), ...chunks]));
    expect(answer.status).toBe(201);
    expect(Buffer.from(answer.text, "latin1").toString()).toContain('"name":"Zoë"');
  });

  test("that are not there are not waited for: what the input lacks is named", async () => {
    const { port } = await serve();
    for (const framing of ["", "content-length: 0\r\n"]) {
      const answer = await raw(port, post(framing));
      expect([answer.status, answer.isClosed]).toEqual([400, false]);
      expect(answer.text).toContain("kernel.invalidInput");
    }
  });

  test("shorter than Content-Length says: no answer is given for half a body", async () => {
    const { port } = await serve({ limits: { requestTimeoutMs: 300, headersTimeoutMs: 200 } });
    const { status } = await raw(port, post("content-length: 100\r\n", "{}"), 1_500);
    expect(status).toBe(408);
  });
});

test("what a client sends comes back encoded: no header can be added by CR and LF", async () => {
  const { port } = await serve();
  const answer = await raw(port, head("GET /users/a%0d%0aset-cookie:%20x=1 HTTP/1.1"));
  expect(answer.text).not.toMatch(/^set-cookie/im);
  expect(answer.text).toContain('"id":"a\\r\\nset-cookie: x=1"');
  const unknown = await raw(port, head("GET /a%0d%0aset-cookie:%20x=1 HTTP/1.1"));
  expect(unknown.text).not.toMatch(/set-cookie/i);
});

test("no regular expression of the edge takes more than 50 ms for 50 KB made to hurt it", async () => {
  const { get, post } = await serve({ limits: { urlBytesMax: 60_000, headerBytesMax: 70_000 } });
  const took = async (work: () => Promise<unknown>) => {
    const began = process.cpuUsage();
    await work().catch(() => undefined);
    const { user, system } = process.cpuUsage(began);
    return (user + system) / 1_000;
  };
  await get("/users/1");
  const long = 50_000;
  for (const path of [
    `/${"%2e".repeat(long / 3)}`,
    `/${"/.".repeat(10)}${"%2f.".repeat(long / 4)}x`,
    `/search?limit=${"1".repeat(long)}x`,
    `/search?ratio=1.${"1".repeat(long)}e`,
    `/search?${"&".repeat(long)}`,
  ]) {
    expect(await took(() => get(path))).toBeLessThan(50);
  }
  for (const value of [`Bearer ${" ".repeat(long)}x`, `Bearer ${"=".repeat(long)}x`, `Bearer ${"a".repeat(long)}!`]) {
    expect(await took(() => get("/users/1", { headers: { authorization: value } }))).toBeLessThan(50);
  }
  for (const traceparent of [
    `00-${"0".repeat(long)}`,
    `00-${"a".repeat(32)}-${"b".repeat(16)}-01-${"-".repeat(long)}`,
  ]) {
    expect(await took(() => get("/users/1", { headers: { traceparent } }))).toBeLessThan(50);
  }
  for (const type of [`application/json${" ".repeat(long)}x`, `application/json;${" ".repeat(long)}`]) {
    expect(await took(() => post("/users", {}, { "content-type": type }))).toBeLessThan(50);
  }
});

test("headers that only claim who sends are ignored", async () => {
  const { get } = await serve();
  const claims = { "x-user-id": "root", "x-tenant": "victim", "x-forwarded-user": "root", "x-permissions": "*" };
  expect(await (await get("/whoami", { headers: claims })).json()).toMatchObject({
    subject: "anonymous",
    tenant: "default",
  });
  expect(await (await get("/whoami", { headers: { ...claims, ...bearer(adminKey) } })).json()).toMatchObject({
    subject: "admin",
    tenant: "acme",
  });
});

/** Sends a chunked body until it is all sent or the server closes. */
function stream(port: number, bytes: number): Promise<{ status: number; sentBytes: number }> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunk = Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(65_536, 91), Buffer.from("\r\n")]);
    let sentBytes = 0;
    let text = "";
    const more = () => {
      while (sentBytes < bytes && !socket.destroyed) {
        sentBytes += chunk.length;
        if (!socket.write(chunk)) return void socket.once("drain", more);
      }
    };
    socket.on("data", (data) => {
      text += data.toString("latin1");
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), sentBytes }));
    socket.write(
      "POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
      more,
    );
  });
}
