import { Client } from "pg";
import type { Entry } from "./history.ts";
import type { Transfer } from "./transfers.ts";

/*
 * The judge: knows what the client wrote down, what it had planned, and SQL. Nothing of the platform's code.
 * Each rule answers what breaks it, a few of each; no answer means that it holds.
 */

interface Evidence {
  readonly client: Client;
  readonly history: readonly Entry[];
  readonly transfers: readonly Transfer[];
}

type Rule = (evidence: Evidence) => Promise<readonly string[]>;

interface StoredPosting {
  readonly reference: string;
  readonly id: string;
  readonly source: string;
  readonly destination: string;
  readonly amount: number;
  readonly currency: string;
  readonly day: string;
}

const told = (row: object) => JSON.stringify(row);

const rows = async (client: Client, text: string): Promise<Record<string, unknown>[]> =>
  (await client.query(text)).rows;

/** A rule whose breaches one statement finds. */
const none =
  (text: string): Rule =>
  async ({ client }) =>
    (await rows(client, text)).map(told);

const storedPostings = async (client: Client): Promise<StoredPosting[]> =>
  (await rows(
    client,
    `SELECT t.reference, t.id::text, s.address AS source, d.address AS destination, p.amount_minor::float8 AS amount,
       p.currency, to_char(t.effective_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day
     FROM ledger.transaction t JOIN ledger.posting p ON p.seq = t.seq
     JOIN ledger.account s ON s.id = p.source_id JOIN ledger.account d ON d.id = p.destination_id
     WHERE t.reference ~ '^(single|bulk|berka):'`,
  )) as unknown as StoredPosting[];

/** A fold stores nothing of an event that it passes over, as this one does with postings that no bank's account is in. */
const foldsFew = "'reconciliation.items'";
const isPosting = "e.type IN ('ledger.posted', 'ledger.bulkPosted')";
const toldTransactions = `(SELECT e.id AS event, (posted ->> 'id')::uuid AS id FROM banyan.event e,
  jsonb_array_elements(coalesce(e.data::jsonb -> 'transactions', jsonb_build_array(e.data::jsonb))) AS posted WHERE ${isPosting}) AS told`;

const facts = ({
  source,
  destination,
  currency,
  day,
}: Pick<StoredPosting, "source" | "destination" | "currency" | "day">) =>
  [source, destination, currency, day].join(" ");

const rules: Readonly<Record<string, Rule>> = {
  "what was acknowledged is stored, under the id that was told": async ({ client, history }) => {
    const stored = new Map((await storedPostings(client)).map(({ reference, id }) => [reference, id]));
    return history
      .filter(({ op, reference, id }) => op === "ok" && (stored.get(reference) ?? "") !== (id ?? stored.get(reference)))
      .map(told);
  },
  "what is stored was asked for": async ({ client, history }) => {
    const invoked = new Set(history.filter(({ op }) => op === "invoked").map(({ reference }) => reference));
    return (await storedPostings(client)).filter(({ reference }) => !invoked.has(reference)).map(told);
  },
  "every transfer is stored once, as it was asked for": async ({ client, transfers }) => {
    const left = new Map(transfers.map((transfer) => [transfer.reference, transfer]));
    const strange: string[] = [];
    for (const posting of await storedPostings(client)) {
      const wanted = left.get(posting.reference);
      left.delete(posting.reference);
      if (wanted === undefined) strange.push(`twice, or never wanted: ${told(posting)}`);
      else if (facts(wanted) !== facts(posting) || wanted.amountMinor !== posting.amount)
        strange.push(`${told(posting)} is not ${told(wanted)}`);
    }
    return [...strange, ...[...left.keys()].map((reference) => `missing: ${reference}`)];
  },
  "balances are what the transfers add up to": async ({ client, transfers }) => {
    const wanted = new Map<string, { debits: number; credits: number }>();
    const of = (address: string) => {
      const sums = wanted.get(address) ?? { debits: 0, credits: 0 };
      wanted.set(address, sums);
      return sums;
    };
    for (const { source, destination, amountMinor } of transfers) {
      of(source).debits += amountMinor;
      of(destination).credits += amountMinor;
    }
    const found = await rows(
      client,
      "SELECT address, debits_minor::float8 AS debits, credits_minor::float8 AS credits FROM ledger.account WHERE address ~ '^(faults|berka):|^world:(faults|berka)$'",
    );
    return found
      .filter(({ address, debits, credits }) => {
        const { debits: d, credits: c } = of(String(address));
        return d !== debits || c !== credits;
      })
      .map(told);
  },
  "debits equal credits per currency": none(
    "SELECT currency, sum(debits_minor - credits_minor) FROM ledger.account GROUP BY currency HAVING sum(debits_minor - credits_minor) <> 0",
  ),
  "account_day is what its postings add up to": none(
    `WITH legs AS (
       SELECT source_id AS account_id, (effective_at AT TIME ZONE 'UTC')::date AS day, amount_minor AS debit, 0 AS credit FROM ledger.posting
       UNION ALL SELECT destination_id, (effective_at AT TIME ZONE 'UTC')::date, 0, amount_minor FROM ledger.posting),
     wanted AS (SELECT account_id, day, count(*) AS entries, sum(debit) AS debits, sum(credit) AS credits FROM legs GROUP BY 1, 2)
     SELECT * FROM wanted w FULL JOIN ledger.account_day d USING (account_id, day)
     WHERE (w.entries, w.debits, w.credits) IS DISTINCT FROM (d.entry_count, d.debits_minor, d.credits_minor) LIMIT 5`,
  ),
  "every transaction has one event": none(
    `WITH said AS MATERIALIZED (SELECT told.id FROM ${toldTransactions})
     SELECT t.reference, count(said.id) FROM ledger.transaction t LEFT JOIN said ON said.id = t.id
     GROUP BY t.seq HAVING count(said.id) <> 1 LIMIT 5`,
  ),
  "every event has its transaction": none(
    `SELECT told.event FROM ${toldTransactions} WHERE NOT EXISTS (SELECT FROM ledger.transaction t WHERE t.id = told.id) LIMIT 5`,
  ),
  "every transaction has one command record": none(
    `WITH told AS MATERIALIZED (
       SELECT ((result::jsonb) ->> 'id')::uuid AS id FROM banyan.command WHERE action = 'ledger.post' AND result IS NOT NULL
       UNION ALL SELECT (r ->> 'id')::uuid FROM banyan.command, jsonb_array_elements((result::jsonb) -> 'results') AS r
       WHERE action = 'ledger.postBulk' AND r ->> 'status' = 'posted')
     SELECT t.reference, told.id, count(*) FROM told FULL JOIN ledger.transaction t ON t.id = told.id
     WHERE t.reference ~ '^(single|bulk|berka):' OR t.reference IS NULL
     GROUP BY t.reference, told.id HAVING count(*) <> 1 OR t.reference IS NULL OR told.id IS NULL LIMIT 5`,
  ),
  "versions of a key count from 1 without a gap": none(
    `SELECT tenant, key, count(*), max(version) FROM banyan.event GROUP BY tenant, key
     HAVING count(*) <> max(version) OR min(version) <> 1 OR count(DISTINCT version) <> count(*) LIMIT 5`,
  ),
  "every subscriber has handled every posting": none(
    `SELECT s.subscriber, e.id FROM (
       SELECT 'ledger.accountDay' AS subscriber
       UNION SELECT i.subscriber FROM banyan.inbox i JOIN banyan.event e ON e.id = i.event
       WHERE ${isPosting} AND i.subscriber <> ${foldsFew}) AS s
     CROSS JOIN banyan.event e LEFT JOIN banyan.inbox i ON i.subscriber = s.subscriber AND i.event = e.id
     WHERE ${isPosting} AND i.event IS NULL LIMIT 5`,
  ),
  "nothing waits in the outbox": none("SELECT count(*) FROM banyan.unsent HAVING count(*) > 0"),
  "nothing was given up": none("SELECT subscriber, event, error FROM banyan.dead_letter LIMIT 5"),
};

const shownMax = 5;

/** Judges a database at rest; one line per breach, with the rule's name. `only` asks the rules whose name holds it. */
export async function judge(evidence: Evidence, only = ""): Promise<string[]> {
  // The tables grew from nothing in a minute; plans that expect them empty would compare each row with each.
  await evidence.client.query("SET enable_nestloop = off");
  const found: string[] = [];
  for (const [name, rule] of Object.entries(rules)) {
    if (!name.includes(only)) continue;
    found.push(...(await rule(evidence)).slice(0, shownMax).map((breach) => `${name}: ${breach}`));
  }
  return found;
}

/** What a broken platform would leave behind, and the rule that must see it. */
const mutants: readonly (readonly [rule: string, sql: string])[] = [
  [
    "what was acknowledged is stored",
    `WITH gone AS (SELECT seq FROM ledger.transaction WHERE reference ~ '^single:' ORDER BY seq DESC LIMIT 1),
     legs AS (DELETE FROM ledger.posting WHERE seq IN (SELECT seq FROM gone))
     DELETE FROM ledger.transaction WHERE seq IN (SELECT seq FROM gone)`,
  ],
  ["under the id that was told", "UPDATE ledger.transaction SET id = gen_random_uuid() WHERE reference = 'single:0'"],
  [
    "what is stored was asked for",
    "UPDATE ledger.transaction SET reference = 'single:phantom' WHERE reference = 'single:0'",
  ],
  [
    "as it was asked for",
    "UPDATE ledger.posting SET amount_minor = amount_minor + 1 WHERE (seq, leg) IN (SELECT max(seq), 1 FROM ledger.posting)",
  ],
  ["balances are what", "UPDATE ledger.account SET credits_minor = credits_minor + 1 WHERE address = 'faults:0'"],
  ["debits equal credits", "UPDATE ledger.account SET credits_minor = credits_minor + 1 WHERE address = 'faults:0'"],
  ["account_day is", "UPDATE ledger.account_day SET entry_count = entry_count + 1 WHERE account_id = 1"],
  [
    "has one event",
    "DELETE FROM banyan.event WHERE seq = (SELECT max(seq) FROM banyan.event WHERE type = 'ledger.posted')",
  ],
  [
    "has one event",
    `INSERT INTO banyan.event (id, seq, type, tenant, key, version, data, trace_id, metadata, at)
     SELECT gen_random_uuid(), seq + 1e9::bigint, type, tenant, key, version, data, trace_id, metadata, at
     FROM banyan.event WHERE type = 'ledger.posted' LIMIT 1`,
  ],
  ["has its transaction", "UPDATE ledger.transaction SET id = gen_random_uuid() WHERE reference = 'bulk:0'"],
  ["one command record", "DELETE FROM banyan.command WHERE action = 'ledger.postBulk'"],
  [
    "one command record",
    `INSERT INTO banyan.command (id, body_hash, tenant, actor, action, trace_id, result)
     SELECT 'another', body_hash, tenant, actor, action, trace_id, result FROM banyan.command
     WHERE action = 'ledger.post' AND result LIKE '%"single:%' LIMIT 1`,
  ],
  [
    "without a gap",
    "UPDATE banyan.event SET version = version + 1000000 WHERE seq = (SELECT max(seq) FROM banyan.event)",
  ],
  [
    "has handled every posting",
    "DELETE FROM banyan.inbox WHERE event = (SELECT id FROM banyan.event WHERE type = 'ledger.posted' LIMIT 1)",
  ],
  [
    "waits in the outbox",
    "INSERT INTO banyan.unsent SELECT 'ledger', seq, int8multirange(int8range(seq, seq + 1)), id, id FROM banyan.event ORDER BY seq DESC LIMIT 1",
  ],
  [
    "was given up",
    `INSERT INTO banyan.dead_letter (subscriber, event, type, tenant, key, version, data, trace_id, metadata, emitted_at, attempts, error)
     SELECT 'x', id, type, tenant, key, version, data, trace_id, metadata, at, 1, 'x' FROM banyan.event LIMIT 1`,
  ],
];

/** Breaks the database in every way that the judge claims to see, and undoes it; answers what it did not see. */
export async function missedByJudge(evidence: Evidence): Promise<string[]> {
  const { client } = evidence;
  const missed: string[] = [];
  for (const [rule, sql] of mutants) {
    await client.query("BEGIN");
    try {
      await client.query(sql);
      if ((await judge(evidence, rule)).length === 0) missed.push(`${rule}: ${sql}`);
    } finally {
      await client.query("ROLLBACK");
    }
  }
  return missed;
}

/** A connection of the judge's own. */
export async function connectJudge(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
