import { request } from "node:http";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { serve } from "../serving.ts";
import { shut } from "../shop.ts";

const ndjson = { "content-type": "application/x-ndjson" };
const numbered = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}`).join("\n");

test("a body far beyond the piece comes in pieces that end with a line, and their answers are folded into one", async () => {
  const { post } = await serve();
  const answer = await post("/lines", numbered(100_000), ndjson);
  expect(answer.status).toBe(200);
  const { pieces, lines, longest } = (await answer.json()) as { pieces: number; lines: string[]; longest: number };
  expect(lines).toEqual(["line 99997", "line 99998", "line 99999"]);
  expect(longest).toBe("line 99999".length);
  expect(pieces).toBeGreaterThan(10_000);
});

test("an empty body is one empty piece", async () => {
  const { post } = await serve();
  expect(await (await post("/lines", "", ndjson)).json()).toEqual({ pieces: 1, lines: [], longest: 0 });
});

test("a line that is longer than a piece is cut, and those after it are whole", async () => {
  const { post } = await serve();
  const answer = await post("/lines", `short\n${"x".repeat(70_000)}\nafter\nlast`, ndjson);
  expect(await answer.json()).toEqual({ pieces: 3, lines: ["x".repeat(100), "after", "last"], longest: 100 });
});

test("a line that is no UTF-8 is taken as Latin-1, and its neighbours are not", async () => {
  const { get } = await serve();
  const body = Buffer.concat([Buffer.from("thé\n"), Buffer.from("thé\n", "latin1"), Buffer.from([0xff, 0x00])]);
  const answer = await get("/lines", { method: "POST", headers: ndjson, body });
  expect(await answer.json()).toMatchObject({ lines: ["thé", "thé", "ÿ\0"] });
});

test("lines in another encoding are refused, for they are read as they come", async () => {
  const { get } = await serve();
  const sent = (charset: string) =>
    get("/lines", {
      method: "POST",
      headers: { "content-type": `application/x-ndjson; charset=${charset}` },
      body: "a",
    });
  expect((await sent("UTF-8")).status).toBe(200);
  const refused = await sent("utf-16");
  expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([
    415,
    "gateway.unsupportedMediaType",
  ]);
});

test("gzip is unpacked as it comes, and what is none is refused", async () => {
  const { get } = await serve();
  const headers = { ...ndjson, "content-encoding": "gzip" };
  const packed = await get("/lines", { method: "POST", headers, body: gzipSync(numbered(10_000)) });
  expect(await packed.json()).toMatchObject({ lines: ["line 9997", "line 9998", "line 9999"] });
  const broken = await get("/lines", { method: "POST", headers, body: "no gzip" });
  expect([broken.status, ((await broken.json()) as { code: string }).code]).toEqual([400, "gateway.malformedBody"]);
});

test("a piece that is to come again is waited for; any other fault ends the request", async () => {
  const { post } = await serve();
  shut.times = 3;
  expect((await post("/lines", "shut", ndjson)).status).toBe(200);
  const refused = await post("/lines", `${numbered(100)}\nsold out\n${numbered(100_000)}`, ndjson);
  expect([refused.status, refused.headers.get("connection")]).toEqual([409, "close"]);
});

test("a client may take longer over the whole than over a request, but not over a piece", async () => {
  const { port } = await serve({ limits: { requestTimeoutMs: 500, headersTimeoutMs: 500 } });
  const lines = request({ port, method: "POST", path: "/lines", headers: ndjson });
  const answered = new Promise<string>((resolve, reject) => {
    lines.on("response", (response) => text(response).then(resolve, reject)).on("error", reject);
  });
  const until = Date.now() + 1_200;
  while (Date.now() < until) {
    lines.write(`${numbered(20)}\n`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  lines.end("done");
  expect(JSON.parse(await answered)).toMatchObject({ lines: ["line 18", "line 19", "done"] });
  const idle = request({ port, method: "POST", path: "/lines", headers: ndjson });
  idle.write("only this");
  const status = await new Promise((resolve, reject) => {
    idle.on("response", ({ statusCode }) => resolve(statusCode)).on("error", reject);
  });
  expect(status).toBe(408);
});
