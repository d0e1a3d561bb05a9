import { expect, test } from "vitest";
import { msgpackCodec } from "../src/index.ts";

test("names travel once", () => {
  const session = msgpackCodec.open();
  const bytes = (value: object) => {
    const sink = { buffer: Buffer.alloc(1_000), at: 0, reserve() {} };
    session.encode(value, sink);
    return sink.at;
  };
  const first = bytes({ customer: "a", balance: 1 });
  expect(bytes({ customer: "b", balance: 2 })).toBeLessThan(first - "customerbalance".length);
});
