import type { Identity } from "@banyan/kernel";
import { createApp } from "@banyan/kernel/app";
import { createPostgresStore } from "@banyan/sql-postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ledger } from "../src/contract.ts";
import { ledgerService } from "../src/index.ts";
import type { BalanceCrossed, Monitor } from "../src/monitor/schemas.ts";
import { type OpenLedger, openLedger, ownerOf } from "./open-ledger.ts";

let books: OpenLedger;
beforeAll(async () => {
  books = await openLedger(inject("postgresUrl"));
  await books.app.call(ledger.openAccount, { address: "world:bank", currency: "CZK", floorMinor: null });
});
afterAll(() => books.close());

const leg = (source: string, destination: string, amountMinor: number) => {
  return { source, destination, amountMinor, currency: "CZK" };
};
const into = (address: string, amountMinor: number) => [leg("world:bank", address, amountMinor)];
const outOf = (address: string, amountMinor: number) => [leg(address, "world:bank", amountMinor)];
const open = (address: string) => books.app.call(ledger.openAccount, { address, currency: "CZK" });
const post = (reference: string, postings: ReturnType<typeof leg>[]) =>
  books.app.call(ledger.post, { reference, postings });
/** Under a reference of its own, or one that says account, direction and threshold. */
const watch = (account: string, limit: readonly [Monitor["direction"], number], reference?: string) => {
  const [direction, thresholdMinor] = limit;
  const named = reference ?? `${account} ${direction} ${thresholdMinor}`;
  return books.app.call(ledger.setMonitor, { account, direction, thresholdMinor, reference: named });
};
const remove = ({ id }: Pick<Monitor, "id">) => books.app.call(ledger.removeMonitor, { id });

/** What was told of crossings of an account, in order. */
async function told(account: string): Promise<BalanceCrossed[]> {
  const rows = await books.run(`SELECT data::jsonb AS crossing FROM banyan.event
    WHERE type = 'ledger.balanceCrossed' AND key = '${account}' AND tenant = 'default' ORDER BY version`);
  return rows.map(({ crossing }) => crossing as BalanceCrossed);
}
const steps = async (account: string) =>
  (await told(account)).map((one) => `${one.balanceBeforeMinor} -> ${one.balanceAfterMinor}`);

/** What stands on accounts' rows and what is set differ: nobody may find one. */
const drifted = () =>
  books.run(`SELECT a.address FROM ledger.account AS a WHERE a.monitors IS DISTINCT FROM (
    SELECT jsonb_agg(jsonb_build_object('monitorId', id, 'reference', reference, 'direction', direction, 'thresholdMinor', threshold_minor) ORDER BY id)
    FROM ledger.monitor WHERE account_id = a.id)`);

test("verify names the account whose row repeats other monitors than are set: fewer, more or changed ones", async () => {
  for (const account of ["lost", "left", "moved", "fine"]) await open(account);
  for (const account of ["lost", "moved", "fine"]) await watch(account, ["below", 5], `of ${account}`);
  const verify = () => books.app.call(ledger.verify, {});
  expect(await verify()).toMatchObject({ ok: true, breaks: [] });
  const stood = await books.run("SELECT id, monitors FROM ledger.account WHERE address IN ('lost', 'left', 'moved')");
  await books.run("UPDATE ledger.account SET monitors = NULL WHERE address = 'lost'");
  await books.run("UPDATE ledger.account SET monitors = '[]' WHERE address = 'left'");
  await books.run(
    `UPDATE ledger.account SET monitors = jsonb_set(monitors, '{0,thresholdMinor}', '6') WHERE address = 'moved'`,
  );
  const broken = ["left", "lost", "moved"].map((account) => ({
    seq: null,
    account,
    rule: "account repeats other monitors than are set",
  }));
  expect(await verify()).toMatchObject({ ok: false, firstBrokenSeq: null, breaks: broken });
  for (const { id } of stood) await books.run(`SELECT ledger.repeat_monitors(${id})`);
  expect(await verify()).toMatchObject({ ok: true, breaks: [] });
});

test("a monitor answers where the balance stands, and tells the transaction that crosses, with what it found and left", async () => {
  await open("float");
  const set = await watch("float", ["below", 100], "float is low");
  expect(set).toEqual({
    id: expect.any(String),
    reference: "float is low",
    account: "float",
    currency: "CZK",
    direction: "below",
    thresholdMinor: 100,
    balanceMinor: 0,
    isBeyond: true,
    createdAt: expect.any(String),
  });
  await post("float 1", into("float", 40));
  await post("float 2", into("float", 60));
  // It was beyond when it was set, and has come back since: nothing to tell.
  expect(await told("float")).toEqual([]);
  const { id, seq, recordedAt } = await post("float 3", outOf("float", 1));
  await post("float 4", outOf("float", 50));
  const { reference, account, currency, direction, thresholdMinor } = set;
  expect(await told("float")).toEqual([
    {
      ...{ monitorId: set.id, reference, account, currency, direction, thresholdMinor },
      ...{ balanceBeforeMinor: 100, balanceAfterMinor: 99, transactionId: id, seq, recordedAt },
    },
  ]);
  expect(await books.app.call(ledger.monitor, { id: set.id })).toEqual({ ...set, balanceMinor: 49 });
  const removed = await remove(set);
  expect(removed).toEqual({ ...set, balanceMinor: 49 });
  await post("float 5", into("float", 100));
  await post("float 6", outOf("float", 100));
  const types = await books.run(
    "SELECT type FROM banyan.event WHERE key = 'float' AND type <> 'ledger.posted' ORDER BY version",
  );
  expect(types.map(({ type }) => type)).toEqual([
    "ledger.accountOpened",
    "ledger.monitorSet",
    "ledger.balanceCrossed",
    "ledger.monitorRemoved",
  ]);
});

describe("is crossed however a transaction comes:", () => {
  const each = (reference: string, postings: ReturnType<typeof leg>[]) => ({ reference, postings });

  test("in bulk, one by one in their order", async () => {
    await open("bulk");
    await watch("bulk", ["above", 10]);
    const transactions = [
      each("bulk 1", into("bulk", 11)),
      each("bulk 2", outOf("bulk", 50)),
      each("bulk 3", outOf("bulk", 1)),
      each("bulk 4", into("bulk", 5)),
    ];
    await books.app.call(ledger.postBulk, { transactions });
    expect(await steps("bulk")).toEqual(["0 -> 11", "10 -> 15"]);
  });

  test("in bulk of more than one part", async () => {
    await open("parts");
    await watch("parts", ["above", 0]);
    const transactions = Array.from({ length: 1_200 }, (_, n) =>
      each(`parts ${n}`, n % 2 === 0 ? into("parts", 1) : outOf("parts", 1)),
    );
    await books.app.call(ledger.postBulk, { transactions });
    const seqs = (await told("parts")).map(({ seq }) => seq);
    expect(seqs).toHaveLength(600);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });

  test("not by an all-or-none bulk that is refused, nor by one that is only asked", async () => {
    await open("none");
    await watch("none", ["above", 0]);
    const transactions = [each("none 1", into("none", 1)), each("none 2", outOf("none", 9))];
    await books.app.call(ledger.postBulk, { transactions, atomic: true });
    await books.app.call(ledger.postBulk, { transactions, dryRun: true });
    expect(await told("none")).toEqual([]);
  });

  test("by a revert, and back again", async () => {
    await open("undone");
    await watch("undone", ["below", 5]);
    const { id } = await post("undone 1", into("undone", 5));
    const { id: mirror } = await books.app.call(ledger.revert, { id });
    expect((await told("undone")).map(({ transactionId }) => transactionId)).toEqual([mirror]);
  });

  test("by a scheduled transaction when it is posted", async () => {
    await open("rent");
    await watch("rent", ["above", 0]);
    const scheduledAt = "2020-01-01T00:00:00Z";
    await books.app.call(ledger.schedule, { reference: "rent 1", postings: into("rent", 7), scheduledAt });
    await expect.poll(() => steps("rent"), { timeout: 20_000 }).toEqual(["0 -> 7"]);
  });

  test("by what a committed hold posts, on every account that it reaches, and not by holding", async () => {
    for (const address of ["payer", "seller", "fees"]) await open(address);
    await post("payer 1", into("payer", 100));
    await watch("payer", ["below", 100]);
    for (const address of ["seller", "fees"]) await watch(address, ["above", 0]);
    const hold = (reference: string) => books.app.call(ledger.placeHold, { reference, ...leg("payer", "seller", 80) });
    await books.app.call(ledger.voidHold, await hold("payer 2").then(({ id }) => ({ id })));
    const { id } = await hold("payer 3");
    for (const address of ["payer", "seller", "fees"]) expect(await told(address)).toEqual([]);
    const parts = [
      { destination: "seller", amountMinor: 50 },
      { destination: "fees", amountMinor: 2 },
    ];
    await books.app.call(ledger.commitHold, { id, parts, rest: { reference: "payer 4" } });
    expect(await steps("payer")).toEqual(["100 -> 48"]);
    expect(await steps("seller")).toEqual(["0 -> 50"]);
    expect(await steps("fees")).toEqual(["0 -> 2"]);
  });
});

test("however often a post is repeated under its key, its crossing is told once", async () => {
  await open("once");
  await watch("once", ["above", 0]);
  const input = { reference: "once 1", postings: into("once", 5) };
  await Promise.all(Array.from({ length: 20 }, () => books.app.call(ledger.post, input, { idempotencyKey: "once" })));
  await books.app.call(ledger.post, input, { idempotencyKey: "once" });
  await expect(books.app.call(ledger.post, input)).rejects.toMatchObject({ code: "ledger.duplicateReference" });
  expect(await steps("once")).toEqual(["0 -> 5"]);
});

test("two processes post to one account while monitors come and go: each tells every crossing from when it is set until it is removed", async () => {
  const { app, url } = books;
  const second = createApp({ services: [ledgerService], store: createPostgresStore({ url }), deadlineMs: 20_000 });
  await second.start();
  try {
    await open("hot");
    const always = await watch("hot", ["above", 3], "always");
    const sides = [app, second];
    const posts = Array.from({ length: 400 }, (_, n) => n).map(async (n) => {
      // Of those that find too little nothing is left.
      const postings = n % 3 === 0 ? outOf("hot", 4) : into("hot", 2);
      await sides[n % 2]?.call(ledger.post, { reference: `hot ${n}`, postings }).catch(() => {});
    });
    const monitors: Monitor[] = [];
    for (let n = 0; n < 10; n++) monitors.push(await watch("hot", ["above", 3], `later ${n}`));
    const stopped = await Promise.all(monitors.slice(0, 5).map(remove));
    await Promise.all(posts);

    const { entries } = await app.call(ledger.entries, { address: "hot", limit: 1_000 });
    const crossing = entries
      .filter(({ balanceMinor, changeMinor }) => balanceMinor > 3 && balanceMinor - changeMinor <= 3)
      .map(({ transactionId }) => transactionId);
    expect(crossing.length).toBeGreaterThan(0);
    const all = await told("hot");
    const toldBy = ({ id }: Monitor) =>
      all.filter(({ monitorId }) => monitorId === id).map(({ transactionId }) => transactionId);
    expect(toldBy(always)).toEqual(crossing);
    for (const monitor of monitors) {
      const own = toldBy(monitor);
      const from = own.length === 0 ? 0 : crossing.indexOf(own[0] ?? "");
      expect(own).toEqual(crossing.slice(from, from + own.length));
      if (own.length > 0 && !stopped.some(({ id }) => id === monitor.id)) expect(own.at(-1)).toBe(crossing.at(-1));
    }
    expect(await drifted()).toEqual([]);
    expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
  } finally {
    await second.stop();
  }
});

test("a connection that dies at the commit leaves neither the posting nor what it crossed, and the retry tells it once", async () => {
  const { run } = books;
  await open("mortal");
  await watch("mortal", ["above", 0]);
  await run("CREATE SEQUENCE public.deaths");
  await run(`CREATE FUNCTION public.die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.reference LIKE 'mortal%' AND nextval('public.deaths') <= 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NULL;
  END $$`);
  await run(`CREATE CONSTRAINT TRIGGER die AFTER INSERT ON ledger.transaction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.die()`);
  const input = { reference: "mortal 1", postings: into("mortal", 5) };
  const send = () => books.app.call(ledger.post, input, { idempotencyKey: "mortal" });
  await send().catch(() => {});
  await expect
    .poll(
      () =>
        send().then(
          ({ reference }) => reference,
          () => null,
        ),
      { timeout: 20_000 },
    )
    .toBe("mortal 1");
  await run("DROP TRIGGER die ON ledger.transaction");
  expect(await run("SELECT last_value > 1 AS died FROM public.deaths")).toEqual([{ died: true }]);
  expect(await steps("mortal")).toEqual(["0 -> 5"]);
});

test("monitors are listed page by page, all or those of an account, and of one's own tenant alone", async () => {
  const identity: Identity = ownerOf("lister");
  const call: typeof books.app.call = (action, input) => books.app.call(action, input, { identity });
  for (const address of ["a", "b"]) await call(ledger.openAccount, { address, currency: "CZK" });
  const set: Monitor[] = [];
  for (const [n, account] of ["a", "b", "a", "b", "a"].entries()) {
    set.push(await call(ledger.setMonitor, { reference: `${n}`, account, direction: "above", thresholdMinor: n }));
  }
  const listed = async (account?: string) => {
    const pages: Monitor[][] = [];
    for (let after: string | null | undefined; after !== null; ) {
      const page = await call(ledger.monitors, { account, after, limit: 2 });
      pages.push(page.monitors);
      after = page.next;
    }
    return pages;
  };
  expect(await listed()).toEqual([set.slice(0, 2), set.slice(2, 4), set.slice(4)]);
  expect((await listed("a")).flat()).toEqual(set.filter(({ account }) => account === "a"));
  expect(await listed("nobody")).toEqual([[]]);
  const [{ id } = { id: "" }] = set;
  for (const foreign of [
    () => books.app.call(ledger.monitor, { id }),
    () => books.app.call(ledger.removeMonitor, { id }),
  ]) {
    await expect(foreign()).rejects.toMatchObject({ code: "ledger.monitorNotFound", details: { monitor: id } });
  }
});

describe("is refused:", () => {
  test("for an account that is not there, or closed", async () => {
    await open("gone");
    await books.app.call(ledger.closeAccount, { address: "gone" });
    await expect(watch("gone", ["below", 0])).rejects.toMatchObject({ code: "ledger.accountClosed" });
    await expect(watch("never", ["below", 0])).rejects.toMatchObject({ code: "ledger.accountNotFound" });
  });

  test("under a reference that another one has, also at the same time; a removed one's is free", async () => {
    await open("named");
    const set = await watch("named", ["below", 5], "name");
    for (const [thresholdMinor, sameContent] of [
      [5, true],
      [6, false],
    ] as const) {
      await expect(watch("named", ["below", thresholdMinor], "name")).rejects.toMatchObject({
        code: "ledger.duplicateReference",
        details: { reference: "name", existingId: set.id, sameContent },
      });
    }
    const removals = await Promise.allSettled(Array.from({ length: 5 }, () => remove(set)));
    expect(removals.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => watch("named", ["below", 5], "name")));
    expect(answers.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await drifted()).toEqual([]);
  });

  test("never for another reason, while others set and remove monitors under the same reference", async () => {
    const accounts = Array.from({ length: 8 }, (_, n) => `turn ${n}`.replace(" ", ":"));
    await Promise.all(accounts.map(open));
    const codes = await Promise.all(
      accounts.map(async (account) => {
        const refused: unknown[] = [];
        for (let n = 0; n < 25; n++) {
          await watch(account, ["below", 5], "turns").then(remove, ({ code }) => refused.push(code));
        }
        return refused;
      }),
    );
    expect(new Set(codes.flat())).toEqual(new Set(["ledger.duplicateReference"]));
    expect(await drifted()).toEqual([]);
    expect(
      (await Promise.all(accounts.map((account) => books.app.call(ledger.monitors, { account })))).flatMap(
        ({ monitors }) => monitors,
      ),
    ).toEqual([]);
  });

  test("beyond twenty of an account, however many are set at once", async () => {
    await open("full");
    const answers = await Promise.allSettled(Array.from({ length: 25 }, (_, n) => watch("full", ["below", n])));
    const refused = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
    expect(refused).toHaveLength(5);
    for (const fault of refused) {
      expect(fault).toMatchObject({ code: "ledger.tooManyMonitors", details: { account: "full", monitorsMax: 20 } });
    }
    const { monitors } = await books.app.call(ledger.monitors, { account: "full" });
    expect(monitors).toHaveLength(20);
    await post("full 1", into("full", 100));
    await post("full 2", outOf("full", 100));
    expect((await told("full")).map(({ monitorId }) => monitorId)).toEqual(
      monitors.filter(({ thresholdMinor }) => thresholdMinor > 0).map(({ id }) => id),
    );
  });

  test.each<[string, object]>([
    ["no reference", { reference: "" }],
    ["an address that is none", { account: "world bank" }],
    ["another direction", { direction: "across" }],
    ["a threshold that is no whole number", { thresholdMinor: 0.5 }],
    ["a threshold beyond what a balance can be", { thresholdMinor: 2 ** 53 }],
    ["no threshold", { thresholdMinor: undefined }],
  ])("%s", async (_, change) => {
    const input = { reference: "unsound", account: "world:bank", direction: "below" as const, thresholdMinor: 0 };
    await expect(books.app.call(ledger.setMonitor, { ...input, ...change })).rejects.toMatchObject({ kind: "invalid" });
  });
});
