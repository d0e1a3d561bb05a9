import type { Message } from "./deliveries.ts";

/** What the clocks of all processes of a machine say, in milliseconds and parts of them. */
const sharedNow = () => performance.timeOrigin + performance.now();

/** How old messages of another process are when their subscriber's work is committed. */
export function keepAges() {
  let agesMs: number[] = [];
  let came = () => {};
  return {
    done({ sentMs }: Message) {
      agesMs.push(sharedNow() - sentMs);
      came();
    },
    methods: {
      /** Answers the ages of the next `count` messages, those that came before the question included, in milliseconds. */
      async ages(count: number): Promise<number[]> {
        await new Promise<void>((resolve) => {
          came = () => {
            if (agesMs.length >= count) resolve();
          };
          came();
        });
        const taken = agesMs;
        agesMs = [];
        return taken;
      },
    },
  };
}

/** Answers the method that publishes `count` messages at an even pace; a late timer does not delay those after it. */
export function publishAtPace(publish: (message: Message) => Promise<unknown>) {
  let sent = 0;
  return async (count: number, perSecond: number): Promise<void> => {
    const startedMs = performance.now();
    const publishing: Promise<unknown>[] = [];
    for (let i = 0; i < count; i++) {
      const dueMs = startedMs + (i * 1_000) / perSecond;
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
      publishing.push(publish({ number: ++sent, sentMs: sharedNow() }));
    }
    await Promise.all(publishing);
  };
}
