import { command, defineContract, event, implement, on } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { expect, test } from "vitest";
import { z } from "zod";
import type { openApplications } from "./harness.ts";

const speaker = defineContract("speaker", {
  commands: { say: command({ input: z.strictObject({}), output: z.object({}), access: "public" }) },
  events: { said: event({ data: z.strictObject({ text: z.string() }), key: ({ text }) => text.slice(0, 10) }) },
});

/** What holds for deliveries of long events, however many of them wait. */
export function longEventClauses({ harness }: ReturnType<typeof openApplications>): void {
  test("L2 of long events no more are taken together than some millions of characters", async () => {
    const { data } = await harness();
    let [running, most] = [0, 0];
    const heard = new Set<string>();
    const service = implement(speaker, {
      commands: {
        say: (ctx) => {
          for (let n = 0; n < 20; n++) ctx.emit(speaker.said, { text: String(n).padEnd(500_000, "-") });
          return {};
        },
      },
      projections: {
        speeches: {
          folds: [
            on(speaker.said, async (_ctx, { text }) => {
              most = Math.max(most, ++running);
              heard.add(text);
              await new Promise(setImmediate);
              running--;
            }),
          ],
          reset: async () => {},
        },
      },
    });
    const app = createApp({ services: [service], store: data.store(), ...(data.log && { log: data.log() }) });
    await app.start();
    await app.call(speaker.say, {});
    await app.settled();
    await app.stop();
    expect(heard.size).toBe(20);
    expect(most).toBeLessThanOrEqual(5);
  });
}
