import { inspect } from "node:util";
import { expect, test, vi } from "vitest";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createBullTickets } from "../src/index.ts";

describeWithServer("redis", "what BullMQ is refused", (url) => {
  test("is told without the password that was tried", async () => {
    const stranger = new URL(url);
    stranger.username = "nobody";
    stranger.password = "guessed";
    const told: unknown[] = [];
    const tickets = createBullTickets({ url: stranger.href, onError: (error) => told.push(error) });
    const job = { type: "probe.job", rateLimit: undefined, concurrency: undefined, schedule: undefined };
    const opened = tickets.open([job]).catch((reason: unknown) => reason);
    await vi.waitUntil(() => told.length > 0, 10_000);
    await tickets.close();
    told.push(await opened);
    const shown = inspect(told, { depth: 10, showHidden: true });
    expect(shown).toContain("WRONGPASS");
    expect(shown).not.toContain("guessed");
  });
});
