/** What every subject of the delivery area publishes and gets back. */
export type Message = { number: number; sentMs: number };

/** How far a burst and a slow stream came; the same for all subjects. */
export type Deliveries = {
  /** Called once per message when its subscriber's work is committed; a second call for a message is an error. */
  done(message: Message): void;
  /** Messages that will be published by other means; `done` resolves to how many a second were done, from the first to the last. */
  expect(count: number): { messages: Message[]; done: Promise<number> };
  /** Publishes so many, of which none is handled yet; answers what waits until all are. */
  backlog(count: number, publish: (message: Message) => Promise<unknown>): Promise<() => Promise<void>>;
  methods(publish: (message: Message) => Promise<unknown>): {
    sustained(width: number, durationMs: number): Promise<number>;
    steady(count: number, perSecond: number): Promise<number[]>;
  };
};

/** Counts each message once and keeps its age, within one process and on its one clock. */
export function trackDeliveries(): Deliveries {
  const pending = new Set<number>();
  let agesMs: number[] = [];
  let sent = 0;
  let caughtUp = () => {};
  let firstDoneMs: number | undefined;

  const next = (): Message => {
    const message = { number: ++sent, sentMs: performance.now() };
    pending.add(message.number);
    return message;
  };
  const untilDone = () =>
    new Promise<void>((resolve) => {
      caughtUp = resolve;
      if (pending.size === 0) resolve();
    });

  return {
    done({ number, sentMs }) {
      if (!pending.delete(number)) throw new Error(`Message ${number} was delivered twice or was never sent.`);
      firstDoneMs ??= performance.now();
      agesMs.push(performance.now() - sentMs);
      if (pending.size === 0) caughtUp();
    },
    expect(count) {
      firstDoneMs = undefined;
      const messages = Array.from({ length: count }, next);
      const rate = () => ((count - 1) * 1_000) / (performance.now() - (firstDoneMs ?? 0));
      return { messages, done: untilDone().then(rate) };
    },
    async backlog(count, publish) {
      for (let left = count; left > 0; left -= 1_000) {
        await Promise.all(Array.from({ length: Math.min(left, 1_000) }, () => publish(next())));
      }
      return untilDone;
    },
    methods: (publish) => ({
      /** Messages per second from the first publish to the last message's done, with `width` publishes in flight. */
      async sustained(width, durationMs) {
        agesMs = [];
        const startedMs = performance.now();
        const loop = async () => {
          while (performance.now() - startedMs < durationMs) await publish(next());
        };
        await Promise.all(Array.from({ length: width }, loop));
        await untilDone();
        return (agesMs.length * 1_000) / (performance.now() - startedMs);
      },
      /** Ages in ms at done of `count` messages sent at an even pace; a late timer does not delay those after it. */
      async steady(count, perSecond) {
        agesMs = [];
        const startedMs = performance.now();
        const publishing: Promise<unknown>[] = [];
        for (let i = 0; i < count; i++) {
          const dueMs = startedMs + (i * 1_000) / perSecond;
          await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - performance.now())));
          publishing.push(publish(next()));
        }
        await Promise.all(publishing);
        await untilDone();
        return agesMs;
      },
    }),
  };
}
