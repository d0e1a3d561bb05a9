import { murmur2 as theirs } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { murmur2 } from "../src/murmur2.ts";

// https://github.com/apache/kafka/blob/4.1.0/clients/src/test/java/org/apache/kafka/common/utils/UtilsTest.java (testMurmur2)
test.for([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
] as const)("hashes %s as Kafka does", ([text, hash]) => {
  expect(murmur2(Buffer.from(text))).toBe(hash);
});

test("hashes whatever bytes, wherever they lie, as the client does", () => {
  for (let length = 0; length < 64; length++) {
    const bytes = Buffer.from(
      Array.from({ length: length + 3 }, (_, index) => (index * 71 + length * 13) % 256),
    ).subarray(3);
    expect(murmur2(bytes)).toBe(theirs(Buffer.from(bytes)));
  }
});
