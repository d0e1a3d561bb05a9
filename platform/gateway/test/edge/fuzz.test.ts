import fc from "fast-check";
import { expect, test } from "vitest";
import { raw, serve } from "../serving.ts";

const body = '{"name":"Ada","age":36,"tags":["a"]}';
const seeds = [
  "GET /users/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  "GET /search?limit=5&tag=a&tag=b&isOpen=true HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
  `POST /users HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  `POST /users HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
];
const piece = fc.constantFrom(
  "\r\n",
  "\n",
  "\0",
  "\r",
  ":",
  " ",
  "%",
  "%00",
  "%2e%2e%2f",
  "//",
  "{",
  '"',
  "[[[[",
  "1e999",
  "__proto__",
  "é",
  "HTTP/1.1",
  "content-length: 9\r\n",
  "&",
  "=",
  "a".repeat(300),
);

/** A request with a few places overwritten, cut out or grown. */
const mutated = fc
  .tuple(fc.constantFrom(...seeds), fc.array(fc.tuple(fc.nat(), fc.nat(6), piece), { minLength: 1, maxLength: 3 }))
  .map(([seed, edits]) =>
    edits.reduce((text, [at, cut, grown]) => {
      const place = at % text.length;
      return text.slice(0, place) + grown + text.slice(place + cut);
    }, seed),
  );

test("requests with random damage are answered or refused, never with a 5xx, and leave the server as it was", async () => {
  const { port, get, logged } = await serve({
    limits: { perAddress: { count: 1e9, windowMs: 1_000 }, headersTimeoutMs: 400, requestTimeoutMs: 500 },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(mutated, { minLength: 24, maxLength: 24 }), async (requests) => {
      const answers = await Promise.all(requests.map((request) => raw(port, Buffer.from(request, "latin1"), 40)));
      for (const [index, { text }] of answers.entries()) {
        for (const status of text.match(/HTTP\/1\.1 \d{3}/g) ?? [])
          expect([status, requests[index]]).not.toEqual([expect.stringMatching(/ 5\d\d$/), requests[index]]);
      }
    }),
    { numRuns: 12 },
  );
  expect(logged.filter(({ level }) => level === 50)).toEqual([]);
  expect((await get("/users/1")).status).toBe(200);
});
