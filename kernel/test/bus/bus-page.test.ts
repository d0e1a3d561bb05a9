import { readFileSync } from "node:fs";
import { defaultLimits } from "@banyan/kernel/bus";
import { expect, test } from "vitest";
import { flag, frameType, replyFlag } from "../../src/bus/frame/frame.ts";

const page = readFileSync(new URL("../../../docs/bus/README.md", import.meta.url), "utf8");
const rows = [...page.matchAll(/^\| (.+) \|$/gm)].map(([, row = ""]) => row.split(" | "));

test("docs/bus/README.md has every type of frame, by its number", () => {
  const said = rows.filter(([number = ""]) => /^\d+$/.test(number)).map(([number, name]) => [name, Number(number)]);
  const inWords = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  expect(said).toEqual(Object.entries(frameType).map(([name, number]) => [inWords(name), number]));
});

test("docs/bus/README.md has every flag of a request and a reply", () => {
  const [, request = "", reply = ""] = /Flags of a request: ([^.]+)\. Of a reply: ([^.]+)\./.exec(page) ?? [];
  expect(request.match(/\d+/g)?.map(Number)).toEqual(Object.values(flag));
  expect(reply.match(/\d+/g)?.map(Number)).toEqual([...Object.values(replyFlag), flag.chunked, flag.restart]);
});

test("docs/bus/README.md has the limits that hold", () => {
  const said = new Map(rows.map(([what, limit = ""]) => [what, limit]));
  const size = (bytes: number) => (bytes < 1_048_576 ? `${bytes / 1_024} KB` : `${bytes / 1_048_576} MB`);
  const count = (number: number) => number.toLocaleString("en");
  const limits = defaultLimits;
  const expected = {
    frame: size(limits.frameBytesMax),
    "input, answer": size(limits.payloadBytesMax),
    "under way in a flow": size(limits.creditBytes),
    "calls that wait for an answer": `${count(limits.pendingMax)} a process`,
    "calls of one peer that run": count(limits.inFlightMax),
    "flows of one peer": count(limits.streamsMax),
    "queued for a peer that does not read": size(limits.queuedBytesMax),
    "from hello to hello": `${limits.handshakeMs / 1_000} s`,
    "nodes known": count(limits.peersMax),
  };
  for (const [what, limit] of Object.entries(expected)) expect([what, said.get(what)]).toEqual([what, limit]);
});
