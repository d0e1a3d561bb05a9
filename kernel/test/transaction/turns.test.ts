import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Gatherer, Turns } from "../../src/transaction/turns.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** Some gatherers with the turns that they share, and what they stored: "posts 3". */
function gathering() {
  const turns = new Turns({ now: () => 0, monotonic: () => performance.now() });
  const stored: string[] = [];
  const gatherer = (name: string, { tookMs = 3, groupMax = 100 } = {}) => {
    let waitingCount = 0;
    let isStoring = false;
    const self: Gatherer = {
      get waitingCount() {
        return waitingCount;
      },
      get isFull() {
        return waitingCount >= groupMax;
      },
      async storeGroup() {
        const count = Math.min(waitingCount, groupMax);
        waitingCount -= count;
        stored.push(`${name} ${count}`);
        isStoring = true;
        await new Promise((resolve) => setTimeout(resolve, tookMs));
        isStoring = false;
        if (waitingCount > 0) turns.ask(self);
        return count;
      },
    };
    return (count: number) => {
      for (let added = 0; added < count; added++) {
        waitingCount++;
        if (!isStoring) turns.ask(self);
      }
    };
  };
  return { stored, gatherer };
}

test("one group at a time is stored, the largest first", async () => {
  const { stored, gatherer } = gathering();
  const [begin, take, end] = [gatherer("begin"), gatherer("take"), gatherer("end")];
  begin(1);
  await vi.advanceTimersByTimeAsync(1);
  take(2);
  end(3);
  expect(stored).toEqual(["begin 1"]);
  await vi.advanceTimersByTimeAsync(20);
  expect(stored).toEqual(["begin 1", "end 3", "take 2"]);
});

test("a small group has its turn while larger ones keep coming", async () => {
  const { stored, gatherer } = gathering();
  const [small, large, other] = [gatherer("small"), gatherer("large"), gatherer("other")];
  large(5);
  await vi.advanceTimersByTimeAsync(1);
  small(1);
  for (let turn = 0; turn < 20; turn++) {
    large(5);
    other(5);
    await vi.advanceTimersByTimeAsync(4);
  }
  expect(stored.indexOf("small 1")).toBe(9);
});

test("those that were answered together are waited for as long as they keep coming, and go as one group", async () => {
  const { stored, gatherer } = gathering();
  const add = gatherer("posts", { tookMs: 5 });
  add(4);
  await vi.advanceTimersByTimeAsync(5.1);
  for (let came = 0; came < 4; came++) {
    add(1);
    await vi.advanceTimersByTimeAsync(0.5);
  }
  expect(stored).toEqual(["posts 4", "posts 4"]);
});

test("callers that do not come again are waited for no longer than a moment", async () => {
  const { stored, gatherer } = gathering();
  const add = gatherer("posts", { tookMs: 5 });
  add(4);
  await vi.advanceTimersByTimeAsync(5.1);
  add(1);
  await vi.advanceTimersByTimeAsync(0.5);
  expect(stored).toEqual(["posts 4"]);
  await vi.advanceTimersByTimeAsync(1.5);
  expect(stored).toEqual(["posts 4", "posts 1"]);
});

test("a full group waits for nobody", async () => {
  const { stored, gatherer } = gathering();
  const [add, fill] = [gatherer("posts", { tookMs: 5 }), gatherer("bulk", { groupMax: 2 })];
  add(4);
  await vi.advanceTimersByTimeAsync(5.1);
  fill(2);
  await vi.advanceTimersByTimeAsync(0.1);
  expect(stored).toEqual(["posts 4", "bulk 2"]);
});

test("a group that takes long, as for rows that are locked, does not hold up the others", async () => {
  const { stored, gatherer } = gathering();
  const [stuck, other] = [gatherer("stuck", { tookMs: 1_000 }), gatherer("other")];
  stuck(1);
  await vi.advanceTimersByTimeAsync(1);
  other(1);
  stuck(1);
  await vi.advanceTimersByTimeAsync(100);
  expect(stored).toEqual(["stuck 1", "other 1"]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(stored).toEqual(["stuck 1", "other 1", "stuck 1"]);
});
