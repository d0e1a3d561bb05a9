import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ledger } from "@banyan/neopay-ledger/contract";
import { expect, inject, test } from "vitest";
import { type OpenPayments, openPayments } from "./open-payments.ts";

// biome-ignore lint/style/noProcessEnv: the gate asks for more than an ordinary run, and a release for more than the gate
const times = { full: 3, release: 20 }[process.env.BANYAN_FAULTS ?? ""];
const main = fileURLToPath(new URL("kill-steps-main.ts", import.meta.url));
/** What is collected at once, and what in parts. */
const kinds = ["CC", "CC-parts", "WALLET", "WALLET-parts"] as const;

/** A moment in a workflow to die at, for a kind of payment. */
type Point = readonly [kind: string, workflow: string, step: string, when: "before" | "after"];

/** One life of the paying process. Answers what ended it: a signal, or its exit code. */
async function live(given: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [main, ...given], { stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = await once(child, "exit");
  return signal ?? code;
}

/** Before and after each step that payments went through, with their captures, releases and refunds. */
async function pointsOf({ app }: OpenPayments, since: number): Promise<Point[]> {
  const runs = (await app.workflows.list({ limit: 1_000 })).filter(({ startedAt }) => startedAt >= since);
  const shown = await Promise.all(runs.map(({ id }) => app.workflows.show(id)));
  const points = shown.flatMap((run) => {
    const workflow = run?.type.replace("payments.", "") ?? "";
    if (run === undefined || workflow === "expire") return [];
    // Only of a card somebody outside is asked.
    const method = run.steps.some(({ kind }) => kind === "run") ? "CC" : "WALLET";
    const kind = ["capture", "cancel"].includes(workflow) ? `${method}-parts` : method;
    return run.steps.flatMap(({ name }) => [
      [kind, workflow, name, "before"] as const,
      [kind, workflow, name, "after"] as const,
    ]);
  });
  // A payment in parts is authorised and refunded as others are.
  return [...new Map(points.map((point) => [point.join(), point])).values()];
}

test(`kill -9 before and after each step of a payment${times === undefined ? "" : `, ${times} times`}: each is paid once, at the acquirer and in the books`, {
  timeout: 240_000 * (times ?? 1),
}, async () => {
  const shop = await openPayments(inject("postgresUrl"));
  try {
    const wallet = await shop.wallet("kit", 10_000_00);
    const given = [shop.databaseUrl, shop.acquirerUrl, await shop.card("approves"), wallet];
    // The first card's money opens the acquirer's account, by steps that no other payment has.
    const names = ["CC-first", ...kinds.map((kind) => `${kind}-undisturbed`)];
    expect(await live([...given, "CC-first"])).toBe(0);
    const since = Date.now();
    expect(await live([...given, names.join()])).toBe(0);
    const points = await pointsOf(shop, since);
    expect(points.length).toBeGreaterThan(55);

    // Points come in pairs, before and after: an odd distance takes of both.
    const chosen =
      times === undefined ? points.filter((_, at) => at % 7 === 0) : Array.from({ length: times }, () => points).flat();
    let deaths = 0;
    for (const [turn, [kind, ...point]] of chosen.entries()) {
      const name = `${kind}-${turn}`;
      names.push(name);
      const end = await live([...given, name, ...point]);
      expect(["SIGKILL", 0]).toContain(end);
      if (end === "SIGKILL") deaths += 1;
    }
    // On a busy machine the shop's own process takes a run over now and then before its step comes.
    expect(deaths).toBeGreaterThan(chosen.length * 0.8);
    // Whoever asks again under the same keys is answered; whoever does not has been seen to.
    expect(await live([...given, names.join()])).toBe(0);

    const takenOf = (name: string) => (name.includes("parts") ? 6_00 : 10_00);
    const cards = names.filter((name) => name.startsWith("CC"));
    const capturedMinor = sum(cards.map(takenOf));
    const refundedMinor = cards.length * 1_00;
    expect(await shop.totals()).toMatchObject({ capturedMinor, refundedMinor });
    expect(await shop.balance("world:acquirer:EUR")).toBe(refundedMinor - capturedMinor);
    const wallets = names.filter((name) => name.startsWith("WALLET"));
    expect(await shop.balance(wallet)).toBe(10_000_00 - sum(wallets.map(takenOf)) + wallets.length * 1_00);
    const inParts = names.filter((name) => name.includes("parts")).length;
    const paid = { status: "succeeded", refunded_minor: 1_00 };
    expect(
      await shop.run(
        "SELECT status, captured_minor, refunded_minor, count(*)::int FROM payments.payment GROUP BY 1, 2, 3 ORDER BY 2",
      ),
    ).toEqual([
      { ...paid, captured_minor: 6_00, count: inParts },
      { ...paid, captured_minor: 10_00, count: names.length - inParts },
    ]);
    expect(await shop.run("SELECT id FROM ledger.hold WHERE status = 'active'")).toEqual([]);
    const going = await shop.app.workflows.list({ limit: 10_000 });
    expect(going.filter(({ state, type }) => state !== "done" && type !== "payments.expire")).toEqual([]);
    const { currencies } = await shop.app.call(ledger.trialBalance, {});
    expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
  } finally {
    await shop.close();
  }
});

function sum(amounts: readonly number[]): number {
  return amounts.reduce((total, amount) => total + amount, 0);
}
