import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { ledger } from "@banyan/neopay-ledger/contract";
import { expect, inject, test } from "vitest";
import { openPayments } from "./open-payments.ts";

// biome-ignore lint/style/noProcessEnv: the gate asks for more than an ordinary run
const isFull = process.env.BANYAN_FAULTS === "full";
const [paymentCount, killCount] = isFull ? [400, 40] : [24, 3];
const main = fileURLToPath(new URL("payments-main.ts", import.meta.url));

/** One life of the paying process; killed after so many of its lines. True when it came to its end. */
async function live(given: readonly string[], killAfterLines: number): Promise<boolean> {
  const child = spawn(process.execPath, [main, ...given], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let lines = 0;
  let isOver = false;
  for await (const line of createInterface({ input: child.stdout })) {
    lines += 1;
    if (lines === killAfterLines) child.kill("SIGKILL");
    isOver ||= line === "ended";
  }
  await ended;
  return isOver;
}

test(`kill -9, ${killCount} times amid ${paymentCount} payments: each is paid once, at the acquirer and in the books`, {
  timeout: isFull ? 900_000 : 120_000,
}, async () => {
  const shop = await openPayments(inject("postgresUrl"), { chaos: { seed: 11, permille: 50 }, lateMs: 700 });
  try {
    const wallet = await shop.wallet("kit", paymentCount * 10_00);
    const card = await shop.card("approves");
    const given = [shop.databaseUrl, shop.acquirerUrl, card, wallet, `${paymentCount}`];
    // From right after the start, while the first payments are under way, to between later ones.
    for (let kill = 0; kill < killCount; kill += 1) expect(await live(given, 1 + kill * 2)).toBe(false);
    expect(await live(given, Number.POSITIVE_INFINITY)).toBe(true);

    const half = (paymentCount / 2) * 10_00;
    expect(await shop.totals()).toMatchObject({ capturedMinor: half, refundedMinor: 0 });
    const fee = paymentCount * 59;
    expect(
      await Promise.all([wallet, "world:acquirer:EUR", "merchants:acme:settlement", "fees:acme"].map(shop.balance)),
    ).toEqual([half, -half, 2 * half - fee, fee]);
    expect(await shop.run("SELECT status, count(*)::int AS count FROM payments.payment GROUP BY status")).toEqual([
      { status: "succeeded", count: paymentCount },
    ]);
    expect(await shop.run("SELECT id FROM ledger.hold WHERE status = 'active'")).toEqual([]);
    const { currencies } = await shop.app.call(ledger.trialBalance, {});
    expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
  } finally {
    await shop.close();
  }
});
