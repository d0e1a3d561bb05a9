import { describe, expect, test } from "vitest";
import { adminKey, bearer, buyerKey, raw, serve } from "./serving.ts";
import { abandoned, begun } from "./shop.ts";

describe("a request becomes one input", () => {
  test("of path, query string and body, typed by the contract's schema", async () => {
    const { get, post } = await serve();
    expect(await (await get("/users/a%2Fb%20c")).json()).toMatchObject({ id: "a/b c" });
    const found = await get("/search?text=a+b%21&limit=5&ratio=0.5&isOpen=false&tag=x&tag=y&size=3");
    expect(await found.json()).toEqual({
      seen: { text: "a b!", limit: 5, ratio: 0.5, isOpen: false, tag: ["x", "y"], size: [3] },
    });
    expect(await (await get("/search")).json()).toEqual({ seen: { limit: 10 } });
    const created = await post("/users?name=Ada", { age: 36, tags: [] });
    expect([created.status, await created.json()]).toEqual([201, { id: "1", name: "Ada", age: 36, tags: [] }]);
    const put = {
      method: "PUT",
      headers: { "content-type": "application/json; charset=utf-8" },
      body: '{"name":"Ada"}',
    };
    expect(await (await get("/users/7", put)).json()).toEqual({ id: "7", name: "Ada" });
    const touched = await post("/users/7/touch", "");
    expect([touched.status, await touched.text()]).toEqual([204, ""]);
    const headed = await get("/users/7", { method: "HEAD" });
    expect([headed.status, await headed.text()]).toEqual([200, ""]);
  });

  test("and what does not fit is refused, naming the field", async () => {
    const { get, post } = await serve();
    const field = async (answer: Promise<Response>) => {
      const { status, field, code } = (await (await answer).json()) as Record<string, unknown>;
      return [status, field, code];
    };
    expect(await field(get("/search?limit=five"))).toEqual([400, "limit", "kernel.invalidInput"]);
    expect(await field(get("/search?limit="))).toEqual([400, "limit", "kernel.invalidInput"]);
    expect(await field(get("/search?limit=0x10"))).toEqual([400, "limit", "kernel.invalidInput"]);
    expect(await field(get("/search?isOpen=1"))).toEqual([400, "isOpen", "kernel.invalidInput"]);
    expect(await field(get("/search?limit=9007199254740993"))).toEqual([400, "limit", "gateway.malformedInput"]);
    expect(await field(get("/search?ratio=1e999"))).toEqual([400, "ratio", "gateway.malformedInput"]);
    expect(await field(get("/search?limit=1&limit=2"))).toEqual([400, "limit", "gateway.malformedInput"]);
    expect(await field(get("/search?text=%ff"))).toEqual([400, "text", "gateway.malformedInput"]);
    expect(await field(get("/search?text=a%00b"))).toEqual([400, "text", "gateway.malformedInput"]);
    expect(await field(get("/search?__proto__=1"))).toEqual([400, "__proto__", "gateway.malformedInput"]);
    expect(await field(get(`/search?${"tag=a&".repeat(300)}`))).toEqual([400, undefined, "gateway.malformedInput"]);
    expect(await field(post("/users?age=3", { name: "a", age: 3, tags: [] }))).toEqual([
      400,
      "age",
      "gateway.malformedInput",
    ]);
    expect(await field(post("/buy/a", { sku: "b" }, bearer(buyerKey)))).toEqual([400, "sku", "gateway.malformedInput"]);
    expect(await field(post("/users", { name: "a", age: "3", tags: [] }))).toEqual([400, "age", "kernel.invalidInput"]);
    expect(await field(post("/users", "[]"))).toEqual([400, undefined, "gateway.malformedBody"]);
    expect(await field(post("/users", "null"))).toEqual([400, undefined, "gateway.malformedBody"]);
  });

  test("an unknown field is refused, in body and query string alike: tenantId, role, ownerId, balance", async () => {
    const { get, post } = await serve();
    for (const name of ["tenantId", "role", "ownerId", "balance"]) {
      const posted = await post("/users", { name: "a", age: 3, tags: [], [name]: "x" });
      expect([posted.status, await posted.text()]).toEqual([400, expect.stringContaining(name)]);
      expect((await get(`/search?${name}=x`)).status).toBe(400);
    }
  });

  test("a body of another type becomes the text of one field, up to its own limit", async () => {
    const { get, post } = await serve();
    const upload = (body: string | Uint8Array<ArrayBuffer>, type: string, path = "/upload") =>
      get(path, { method: "POST", headers: { "content-type": type }, body });
    expect(await (await upload("<é/>", "application/xml; charset=utf-8", "/upload?note=n")).json()).toEqual({
      length: 4,
      note: "n",
    });
    expect(await (await upload("a,b", "text/csv")).json()).toEqual({ length: 3 });
    expect(await (await post("/upload", { content: "abc" })).json()).toEqual({ length: 3 });
    expect((await upload("<a/>", "application/xml; charset=nonsense")).status).toBe(415);
    expect((await upload(new Uint8Array([60, 255, 62]), "application/xml")).status).toBe(400);
    expect((await upload("a\0b", "text/csv")).status).toBe(400);
    expect((await upload("x".repeat(2_001), "text/csv")).status).toBe(413);
    expect(
      (await get("/users", { method: "POST", headers: { "content-type": "application/xml" }, body: "<a/>" })).status,
    ).toBe(415);
  });
});

describe("a text is read in the encoding that it says it is in", () => {
  const latin1 = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
  const utf16 = (text: string) => new Uint8Array(Buffer.from(text, "utf16le"));
  const declared = '<?xml version="1.0" encoding="ISO-8859-1"?><é/>';
  const texts: [name: string, sent: { type: string; body: Uint8Array<ArrayBuffer>; length: number }][] = [
    ["its charset", { type: "text/csv; charset=windows-1252", body: latin1("é,b"), length: 3 }],
    ["what XML declares", { type: "application/xml", body: latin1(declared), length: declared.length }],
    [
      "its charset before what XML declares",
      { type: "application/xml; charset=iso-8859-15", body: latin1(declared), length: declared.length },
    ],
    [
      "its byte order mark before all",
      { type: "application/xml; charset=utf-8", body: utf16("\ufeff<é/>"), length: 4 },
    ],
    ["the first character of XML without a mark", { type: "application/xml", body: utf16("<é/>"), length: 4 }],
  ];
  test.each(texts)("%s", async (_, { type, body, length }) => {
    const { get } = await serve();
    const answer = await get("/upload", { method: "POST", headers: { "content-type": type }, body });
    expect(await answer.json()).toEqual({ length });
  });

  test("one that it is not in is a refusal that names it", async () => {
    const { get } = await serve();
    const headers = { "content-type": "text/csv; charset=shift_jis" };
    const answer = await get("/upload", { method: "POST", headers, body: new Uint8Array([0xfd, 0xff]) });
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining("not in the encoding shift_jis"),
    ]);
  });
});

describe("a body that is signed", () => {
  const notice = '{ "b":1,\n"a":9007199254740993 }';

  test("comes as it was sent, with the header that its contract names", async () => {
    const { get } = await serve();
    const headers = { "content-type": "application/json; charset=utf-8", "x-signature": "v1,abc" };
    expect(await (await get("/notice", { method: "POST", headers, body: notice })).json()).toEqual({
      content: notice,
      signature: "v1,abc",
    });
    const bare = { "content-type": "application/json" };
    expect(await (await get("/notice", { method: "POST", headers: bare, body: "[" })).json()).toEqual({ content: "[" });
  });

  test("has its header from nowhere else", async () => {
    const { get } = await serve();
    const headers = { "content-type": "application/json" };
    const answer = await get("/notice?signature=forged", { method: "POST", headers, body: notice });
    expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ field: "signature" })]);
  });
});

describe("an answer", () => {
  test("is the text of one field, and nothing else of the output, where its contract says so", async () => {
    const { get } = await serve();
    const answer = await get("/receipt/7");
    expect(answer.headers.get("content-type")).toBe("application/xml; charset=utf-8");
    expect(await answer.text()).toBe("<receipt>7 é</receipt>");
  });

  test("holds what the output's schema names and nothing else, also where outputs are not validated", async () => {
    for (const validateOutput of [true, false]) {
      const { get } = await serve({ validateOutput });
      expect(await (await get("/leak")).json()).toEqual({ id: "1", name: "a", age: 1, tags: [] });
      const missing = await get("/missing");
      expect([missing.status, await missing.json()]).toEqual([
        500,
        expect.objectContaining({ code: expect.stringMatching(/^kernel\./) }),
      ]);
    }
  });

  test("to an unexpected error says where to look, and not a word of the error", async () => {
    const { get, logged } = await serve();
    const answer = await get("/broken");
    const text = await answer.text();
    expect(answer.status).toBe(500);
    expect(text).not.toMatch(/hunter2|10\.0\.0\.7|Error/);
    const { traceId, detail } = JSON.parse(text) as { traceId: string; detail: string };
    expect(detail).toContain(traceId);
    expect(logged).toContainEqual(expect.objectContaining({ traceId, status: 500, level: 50 }));
    expect(JSON.stringify(logged)).not.toContain("hunter2");
  });

  test("to a fault is a problem of RFC 9457 with its code, its declared details and when to come back", async () => {
    const { post } = await serve();
    const gone = await post("/buy/gone", {}, bearer(buyerKey));
    expect(gone.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
    expect([gone.status, await gone.json()]).toEqual([
      409,
      {
        type: "/docs#shop.soldOut",
        title: "Sold out",
        status: 409,
        detail: "sold out",
        code: "shop.soldOut",
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        retry: "no",
        details: { sku: "gone", left: 0 },
      },
    ]);
    const shut = await post("/buy/shut", {}, bearer(buyerKey));
    expect([shut.status, shut.headers.get("retry-after"), await shut.json()]).toEqual([
      503,
      "3",
      expect.objectContaining({ retry: "yes" }),
    ]);
  });

  test("to a fault whose details are not what its contract declares is a 500, logged, and the server goes on", async () => {
    const { post, logged } = await serve();
    const odd = await post("/buy/odd", {}, bearer(buyerKey));
    expect([odd.status, await odd.json()]).toEqual([500, expect.objectContaining({ code: "kernel.internal" })]);
    expect(logged).toEqual([
      expect.objectContaining({
        level: 50,
        err: expect.objectContaining({ message: expect.stringContaining("left") }),
      }),
    ]);
    expect((await post("/buy/x", {}, bearer(buyerKey))).status).toBe(200);
  });

  test("to what is not there tells which part: 404 for the path, 405 with Allow for the method", async () => {
    const { get } = await serve();
    const unknown = await get("/nowhere");
    expect([unknown.status, await unknown.json()]).toEqual([
      404,
      expect.objectContaining({ code: "gateway.unknownRoute" }),
    ]);
    const del = await get("/users/7", { method: "DELETE" });
    expect([del.status, del.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT"]);
    const options = await get("/users", { method: "OPTIONS" });
    expect([options.status, options.headers.get("allow")]).toEqual([405, "POST"]);
  });

  test("says nothing of the server, and a deadline is a 504", async () => {
    const { get } = await serve();
    const answer = await get("/users/1");
    expect([answer.headers.get("server"), answer.headers.get("x-powered-by")]).toEqual([null, null]);
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    const late = await get("/slow?ms=3000");
    expect([late.status, await late.json()]).toEqual([
      504,
      expect.objectContaining({ code: "kernel.deadline", retry: "unknown" }),
    ]);
  });
});

describe("a trace", () => {
  test("that the caller began goes on, and another begins where its traceparent is not valid", async () => {
    const { get } = await serve();
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const seen = async (traceparent: string) =>
      ((await (await get("/whoami", { headers: { traceparent } })).json()) as { traceId: string }).traceId;
    expect(await seen(`00-${traceId}-00f067aa0ba902b7-01`)).toBe(traceId);
    expect(await seen(`cc-${traceId}-00f067aa0ba902b7-01-what-ever`)).toBe(traceId);
    for (const wrong of [
      `ff-${traceId}-00f067aa0ba902b7-01`,
      `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
      `00-${traceId}-${"0".repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-00f067aa0ba902b7-01`,
      "x",
    ]) {
      expect(await seen(wrong)).toMatch(/^(?!4bf92f)[0-9a-f]{32}$/);
    }
  });

  test("is named in every problem, also where nothing of the request could be read", async () => {
    const { get, port } = await serve();
    expect(await (await get("/nowhere")).json()).toMatchObject({ traceId: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect((await raw(port, "nonsense\r\n\r\n")).text).toMatch(/"traceId":"[0-9a-f]{32}"/);
  });
});

test("a client that leaves ends its call", async () => {
  const { get } = await serve();
  const leaving = new AbortController();
  const [before, started] = [abandoned.length, begun.length];
  const answer = get("/slow?ms=390", { signal: leaving.signal }).catch(() => undefined);
  await expect.poll(() => begun.length).toBe(started + 1);
  leaving.abort();
  await answer;
  await expect.poll(() => abandoned.length).toBe(before + 1);
});

test("a page of another origin gets no permission to read, unless its origin is in the list", async () => {
  const closed = await serve();
  const origin = { origin: "https://app.example" };
  const preflight = { method: "OPTIONS", headers: { ...origin, "access-control-request-method": "POST" } };
  expect((await closed.get("/users/1", { headers: origin })).headers.get("access-control-allow-origin")).toBe(null);
  expect((await closed.get("/users", preflight)).headers.get("access-control-allow-origin")).toBe(null);
  const listed = await serve({ corsOrigins: ["https://app.example"] });
  const allowed = await listed.get("/users", preflight);
  expect([allowed.status, allowed.headers.get("access-control-allow-origin")]).toEqual([204, "https://app.example"]);
  expect(allowed.headers.get("access-control-allow-headers")?.split(", ")).toEqual(
    expect.arrayContaining(["authorization", "*"]),
  );
  for (const other of ["null", "https://evil.example", "https://app.example.evil.example"]) {
    expect(
      (await listed.get("/users/1", { headers: { origin: other } })).headers.get("access-control-allow-origin"),
    ).toBe(null);
  }
  expect((await listed.get("/users/1", { headers: origin })).headers.get("access-control-allow-credentials")).toBe(
    null,
  );
  const open = await serve({ corsOrigins: ["*"] });
  expect((await open.get("/users/1", { headers: origin })).headers.get("access-control-allow-origin")).toBe("*");
});

test("each answer is one line of the log: refusals at information, the rest when debugging, no query, no secret", async () => {
  const { get, post, logged } = await serve({ logLevel: "debug" });
  await get("/users/1?x=canary-query", { headers: { ...bearer(`${adminKey}`), cookie: "canary-cookie" } });
  await post("/users", { name: "canary-body", age: 1, tags: [] });
  await get("/users/a%0d%0ab");
  expect(logged.map(({ level, status, route }) => [level, status, route])).toEqual([
    [30, 400, "GET /users/:id"],
    [20, 201, "POST /users"],
    [20, 200, "GET /users/:id"],
  ]);
  expect(JSON.stringify(logged)).not.toMatch(/canary|admin-key/);
});
