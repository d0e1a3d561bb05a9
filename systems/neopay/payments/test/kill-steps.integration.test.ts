import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { ledger } from "@banyan/neopay-ledger/contract";
import { expect, inject, test } from "vitest";
import { type OpenPayments, openPayments } from "./open-payments.ts";

// biome-ignore lint/style/noProcessEnv: the gate asks for more than an ordinary run, and a release for more than the gate
const times = { full: 3, release: 20 }[process.env.BANYAN_FAULTS ?? ""];
const main = fileURLToPath(new URL("kill-steps-main.ts", import.meta.url));
const methods = ["CC", "WALLET"] as const;

/** A moment in a workflow to die at. */
type Point = readonly [method: string, workflow: string, step: string, when: "before" | "after"];

/** One life of the paying process. Answers what ended it: a signal, or its exit code. */
async function live(given: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [main, ...given], { stdio: ["ignore", "inherit", "inherit"] });
  const [code, signal] = await once(child, "exit");
  return signal ?? code;
}

/** Before and after each step that a payment's authorization with its capture, and its refund, went through. */
async function pointsOf({ app }: OpenPayments, since: number): Promise<Point[]> {
  const runs = (await app.workflows.list({ limit: 1_000 })).filter(({ startedAt }) => startedAt >= since);
  const shown = await Promise.all(runs.map(({ id }) => app.workflows.show(id)));
  return shown.flatMap((run) => {
    const workflow = run?.type.replace("payments.", "") ?? "";
    if (run === undefined || !["authorize", "refund"].includes(workflow)) return [];
    const method = run.steps.some(({ name }) => name === "authorize" || name === "refund") ? "CC" : "WALLET";
    return run.steps.flatMap(({ name }) =>
      (["before", "after"] as const).map((when) => [method, workflow, name, when] as const),
    );
  });
}

test(`kill -9 before and after each step of a payment${times === undefined ? "" : `, ${times} times`}: each is paid once, at the acquirer and in the books`, {
  timeout: 240_000 * (times ?? 1),
}, async () => {
  const shop = await openPayments(inject("postgresUrl"));
  try {
    const wallet = await shop.wallet("kit", 10_000_00);
    const given = [shop.databaseUrl, shop.acquirerUrl, await shop.card("approves"), wallet];
    // The first card's money opens the acquirer's account, by steps that no other payment has.
    const names = ["CC-first", ...methods.map((method) => `${method}-undisturbed`)];
    expect(await live([...given, "CC-first"])).toBe(0);
    const since = Date.now();
    expect(await live([...given, names.join()])).toBe(0);
    const points = await pointsOf(shop, since);
    expect(points.length).toBeGreaterThan(30);

    // Points come in pairs, before and after: an odd distance takes of both.
    const chosen =
      times === undefined ? points.filter((_, at) => at % 7 === 0) : Array.from({ length: times }, () => points).flat();
    let deaths = 0;
    for (const [turn, [method, ...point]] of chosen.entries()) {
      const name = `${method}-${turn}`;
      names.push(name);
      const end = await live([...given, name, ...point]);
      expect(["SIGKILL", 0]).toContain(end);
      if (end === "SIGKILL") deaths += 1;
    }
    // On a busy machine the shop's own process takes a run over now and then before its step comes.
    expect(deaths).toBeGreaterThan(chosen.length * 0.8);
    // Whoever asks again under the same keys is answered; whoever does not has been seen to.
    expect(await live([...given, names.join()])).toBe(0);

    const cards = names.filter((name) => name.startsWith("CC")).length;
    expect(await shop.totals()).toMatchObject({ capturedMinor: cards * 10_00, refundedMinor: cards * 1_00 });
    expect(await shop.balance("world:acquirer:EUR")).toBe(-cards * 9_00);
    expect(await shop.balance(wallet)).toBe(10_000_00 - (names.length - cards) * 9_00);
    expect(
      await shop.run(
        "SELECT status, captured_minor, refunded_minor, count(*)::int FROM payments.payment GROUP BY 1, 2, 3",
      ),
    ).toEqual([{ status: "succeeded", captured_minor: 10_00, refunded_minor: 1_00, count: names.length }]);
    expect(await shop.run("SELECT id FROM ledger.hold WHERE status = 'active'")).toEqual([]);
    const going = await shop.app.workflows.list({ limit: 10_000 });
    expect(going.filter(({ state, type }) => state !== "done" && type !== "payments.expire")).toEqual([]);
    const { currencies } = await shop.app.call(ledger.trialBalance, {});
    expect(currencies).toMatchObject([{ currency: "EUR", differenceMinor: 0 }]);
  } finally {
    await shop.close();
  }
});
