import { connect, statement } from "@banyan/sql-postgres";
import { perSecond } from "../loops.ts";
import { WALLETS, walletsOf } from "./transfers.ts";

/**
 * What a ledger cannot do without: accounts with a floor, transactions, their postings, an event for each, and the call's own key.
 * One statement, all or nothing; no contract, no verdicts, no running balances, no versions, no subscriber.
 */
const schema = `
  DROP SCHEMA IF EXISTS by_hand CASCADE;
  CREATE SCHEMA by_hand;
  CREATE TABLE by_hand.account (id bigint PRIMARY KEY, floor_minor bigint, balance_minor bigint NOT NULL,
    CHECK (balance_minor >= floor_minor)) WITH (fillfactor = 50);
  CREATE TABLE by_hand.transaction (id uuid PRIMARY KEY, reference text NOT NULL UNIQUE, at timestamptz NOT NULL DEFAULT now());
  CREATE TABLE by_hand.posting (transaction_id uuid PRIMARY KEY, source bigint NOT NULL, destination bigint NOT NULL, amount_minor bigint NOT NULL);
  CREATE TABLE by_hand.event (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data text NOT NULL);
  CREATE TABLE by_hand.command (id uuid PRIMARY KEY, result text NOT NULL);
  INSERT INTO by_hand.account SELECT number, NULL, 0 FROM generate_series(0, ${WALLETS - 1}) AS number;
  CREATE FUNCTION by_hand.post(key uuid, ids uuid[], refs text[], sources bigint[], destinations bigint[], amounts bigint[], events text[])
  RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM FROM by_hand.account WHERE id = ANY (sources || destinations) ORDER BY id FOR NO KEY UPDATE;
    UPDATE by_hand.account AS a SET balance_minor = balance_minor + moved.change FROM (
      SELECT side.id, sum(side.change) AS change FROM (
        SELECT unnest(sources) AS id, - unnest(amounts) AS change UNION ALL SELECT unnest(destinations), unnest(amounts)) AS side
      GROUP BY side.id) AS moved
    WHERE a.id = moved.id;
    INSERT INTO by_hand.transaction (id, reference) SELECT * FROM unnest(ids, refs);
    INSERT INTO by_hand.posting SELECT * FROM unnest(ids, sources, destinations, amounts);
    INSERT INTO by_hand.event (data) SELECT * FROM unnest(events);
    INSERT INTO by_hand.command VALUES (key, 'posted ' || cardinality(ids));
  END $$`;
const post = "SELECT by_hand.post($1, $2, $3, $4, $5, $6, $7)";

/** Transfers per second that this machine posts where nobody asks for more than the rows. */
export async function open({ url, perCall, callers }: { url: string; perCall: number; callers: number }) {
  const first = await connect({ url });
  await first.runScript(schema);
  const idle = [first, ...(await Promise.all(Array.from({ length: callers - 1 }, () => connect({ url }))))];
  let last = 0;
  const postMany = async () => {
    const connection = idle.pop();
    if (connection === undefined) throw new Error("there are more callers than connections");
    const numbers = Array.from({ length: perCall }, () => last++);
    const pairs = numbers.map(walletsOf);
    const ids = numbers.map(() => crypto.randomUUID());
    const references = numbers.map((number) => `by-hand-${number}`);
    const events = pairs.map(([source, destination], at) =>
      JSON.stringify({ id: ids[at], reference: references[at], source, destination, amountMinor: 1, currency: "EUR" }),
    );
    const [sources, destinations] = [pairs.map(([source]) => source), pairs.map(([, destination]) => destination)];
    const amounts = numbers.map(() => 1);
    const values = [crypto.randomUUID(), ids, references, sources, destinations, amounts, events];
    await connection.run([statement(post, values)]);
    idle.push(connection);
    return perCall;
  };
  return { bulk: (durationMs: number) => perSecond(postMany, callers, durationMs) };
}
