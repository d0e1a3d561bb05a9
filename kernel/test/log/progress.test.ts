import { Progress, type ReceivedMessage } from "@banyan/kernel/log";
import fc from "fast-check";
import { expect, test, vi } from "vitest";

const received = (receipt: unknown) => ({ receipt }) as ReceivedMessage;

function track() {
  const written: [floor: number, beyond: number][] = [];
  const progress = new Progress<number>({ floor: 0, write: async (floor, beyond) => written.push([floor, beyond]) });
  return { written, progress };
}

test("the floor stands before the first message that waits, whatever was acknowledged behind it", async () => {
  const { written, progress } = track();
  const [a, b, c] = [1, 2, 5].map((place) => received(progress.add(place, 10)));
  progress.pass(7);
  progress.acknowledge([b, c] as ReceivedMessage[]);
  expect(progress.waiting).toBe(1);
  await vi.waitFor(() => expect(written).toEqual([[0, 2]]));
  progress.acknowledge([a] as ReceivedMessage[]);
  await vi.waitFor(() => expect(written.at(-1)).toEqual([7, 0]));
});

test("floor, counts and what waits are those of a list of all places, in any order of acknowledgements", async () => {
  const step = fc.oneof(
    fc.nat({ max: 100 }).map((bytes) => ({ add: bytes })),
    fc.constant("pass" as const),
    fc.nat({ max: 20 }).map((index) => ({ acknowledge: index })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { written, progress } = track();
      const all: { waits: boolean; counts: boolean; bytes: number; receipt: unknown }[] = [];
      for (const what of steps) {
        const place = all.length + 1;
        if (what === "pass") {
          all.push({ waits: false, counts: false, bytes: 0, receipt: null });
          progress.pass(place);
        } else if ("add" in what) {
          const bytes = what.add;
          all.push({ waits: true, counts: true, bytes, receipt: progress.add(place, bytes) });
        } else {
          const sent = all.filter(({ counts }) => counts)[what.acknowledge];
          if (sent === undefined) continue;
          sent.waits = false;
          progress.acknowledge([received(sent.receipt)]);
        }
      }
      const firstWaiting = all.findIndex(({ waits }) => waits);
      const floor = firstWaiting < 0 ? all.length : firstWaiting;
      const beyond = all.slice(floor).filter(({ waits, counts }) => counts && !waits).length;
      const waiting = all.filter(({ waits }) => waits);
      expect(progress.waiting).toBe(waiting.length);
      expect(progress.waitingBytes).toBe(waiting.reduce((sum, { bytes }) => sum + bytes, 0));
      await progress.close();
      if (steps.some((what) => what === "pass") || all.some(({ waits, counts }) => counts && !waits))
        expect(written.at(-1)).toEqual([floor, beyond]);
    }),
  );
});

test("receipts of an earlier progress mean nothing", () => {
  const [before, now] = [track().progress, track().progress];
  const old = received(before.add(1, 10));
  now.add(1, 10);
  now.acknowledge([old]);
  expect([now.waiting, now.waitingBytes]).toEqual([1, 10]);
});

test("a write that failed is done again, and none after it was abandoned", async () => {
  let failures = 2;
  const written: number[] = [];
  const progress = new Progress<number>({
    floor: 0,
    writeEveryMs: 1,
    write: async (floor) => {
      if (failures-- > 0) throw new Error("not now");
      written.push(floor);
    },
  });
  progress.pass(3);
  await vi.waitFor(() => expect(written).toEqual([3]));
  progress.pass(4);
  progress.abandon();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(written).toEqual([3]);
});
