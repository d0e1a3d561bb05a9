import type { Book } from "@banyan/neopay-acquirer";
import type { Database, Table } from "../memory/database.ts";
import { events, type JobRow, jobs, keyOf, runs, steps } from "../memory/tables.ts";
import type { CourierOffice } from "./courier.ts";
import { accounts, holds, movements, paymentRows, shopNotes, transactions } from "./rows.ts";

/* What must hold of payments once the world is calm. Counted from the rows and from what the outside did; no run is believed. */

/** Runs that go on, and that no person has to look at, each with its reason. One that was just started has a job alone. */
export function goingRuns(database: Database): string[] {
  return [...database.rows(jobs).values()]
    .filter(({ deadAt }) => deadAt === undefined)
    .map((job) => reasonOf(database, job));
}

function reasonOf(database: Database, { id, type, dueAt }: JobRow): string {
  const open = [...database.rows(steps).values()].filter((step) => step.run === id && step.endedAt === undefined);
  const dueInS = Math.round((dueAt - database.now()) / 1_000);
  return `${type} ${id} in ${dueInS} s: ${open.map(({ name, error = "" }) => `${name} ${error}`).join(", ")}`;
}

/** Runs that wait for a person, and why. */
export function stuckRuns(database: Database): { readonly id: string; readonly error: string | undefined }[] {
  return [...database.rows(jobs).values()]
    .filter(({ id, deadAt }) => deadAt !== undefined && database.rows(runs).has(id))
    .map(({ id, error }) => ({ id, error }));
}

/** Every run has ended, or says why not; every job of a run has its run. */
export function checkRuns(database: Database): string[] {
  const waiting = [...database.rows(runs).values()].filter(({ outcome }) => outcome === undefined);
  const open = new Set(valuesOf(database, steps).flatMap(({ run, endedAt }) => (endedAt === undefined ? [run] : [])));
  const silent = waiting.filter(({ id }) => {
    const job = database.rows(jobs).get(id);
    return (
      job === undefined ||
      (job.deadAt === undefined ? job.owner === undefined && !open.has(id) : job.error === undefined)
    );
  });
  const orphans = [...database.rows(jobs).keys()].filter((id) => database.rows(runs).get(id)?.outcome !== undefined);
  return [
    ...silent.map(({ id, type }) => `the run ${id} of ${type} waits without an owner and a reason`),
    ...orphans.map((id) => `the run ${id} has ended, and its job has not`),
  ];
}

/** Debits are credits; every balance is the sum of its postings; what is held is held by a hold. */
export function checkBooks(database: Database): string[] {
  const problems: string[] = [];
  const expected = new Map([
    ["world:till", -10_000],
    ["users:ann:wallet", 5_000],
    ["users:ben:wallet", 5_000],
  ]);
  const held = new Map<string, number>();
  const add = (sums: Map<string, number>, address: string, by: number) =>
    sums.set(address, (sums.get(address) ?? 0) + by);
  for (const { postings } of database.rows(transactions).values()) {
    for (const { source, destination, amountMinor } of postings) {
      add(expected, source, -amountMinor);
      add(expected, destination, amountMinor);
    }
  }
  for (const hold of database.rows(holds).values())
    if (hold.status === "active") add(held, hold.source, hold.amountMinor);
  for (const [address, { balanceMinor, heldMinor }] of database.rows(accounts)) {
    if (balanceMinor !== (expected.get(address) ?? 0))
      problems.push(`${address} has ${balanceMinor}, its postings say ${expected.get(address)}`);
    if (heldMinor !== (held.get(address) ?? 0))
      problems.push(`${heldMinor} of ${address} are held, its holds say ${held.get(address)}`);
  }
  const sum = valuesOf(database, accounts).reduce((total, { balanceMinor }) => total + balanceMinor, 0);
  return sum === 0 ? problems : [...problems, `the balances add up to ${sum}`];
}

/** Once all has ended: what payments say is what their movements and the books say, each movement once. */
export function checkPayments(database: Database): string[] {
  const problems: string[] = [];
  const posted = new Set(database.rows(transactions).keys());
  const used = new Set<string>();
  for (const payment of database.rows(paymentRows).values()) {
    const own = valuesOf(database, movements).filter((movement) => movement.payment === payment.id);
    const done = (kind: string) => own.filter((movement) => movement.kind === kind && movement.status === "done");
    const sumOf = (kind: string) => done(kind).reduce((sum, { amountMinor }) => sum + amountMinor, 0);
    if (payment.pending_id !== null) problems.push(`the payment ${payment.id} has a ${payment.pending_kind} under way`);
    if (
      payment.status === "requires_capture" ||
      payment.status === "partially_captured" ||
      payment.status === "requires_payment_method"
    )
      problems.push(`the payment ${payment.id} is ${payment.status} for ever`);
    if (sumOf("capture") !== payment.captured_minor)
      problems.push(`${payment.id} has captured ${payment.captured_minor}, its captures ${sumOf("capture")}`);
    if (sumOf("refund") !== payment.refunded_minor)
      problems.push(`${payment.id} has refunded ${payment.refunded_minor}, its refunds ${sumOf("refund")}`);
    for (const { id, kind, transactionId } of [...done("capture"), ...done("refund")]) {
      if (transactionId === null || !posted.has(transactionId)) problems.push(`the ${kind} ${id} is not in the books`);
      else if (used.has(transactionId)) problems.push(`${transactionId} is two movements'`);
      else used.add(transactionId);
      const type = kind === "capture" ? "payments.captured" : "payments.refundSettled";
      const told = valuesOf(database, events).filter((event) => event.type === type && event.data.includes(id));
      if (told.length !== 1) problems.push(`the ${kind} ${id} was told of ${told.length} times`);
    }
  }
  for (const id of posted)
    if (!used.has(id)) problems.push(`the transaction ${id} is no movement's: money moved for nothing`);
  for (const { id, status } of valuesOf(database, holds))
    if (status === "active") problems.push(`the hold ${id} is held for ever`);
  return problems;
}

/** Once all has ended: what the acquirer took and gave back is what the books say of cards. */
export function checkAcquirer(database: Database, book: Book): string[] {
  const [eur] = book.totals().currencies.filter(({ currency }) => currency === "EUR");
  const atAcquirer = (eur?.capturedMinor ?? 0) - (eur?.refundedMinor ?? 0);
  const byCard = new Set(
    valuesOf(database, paymentRows)
      .filter(({ method }) => method === "CC")
      .map(({ id }) => id),
  );
  const signs: Readonly<Record<string, number>> = { capture: 1, refund: -1 };
  const inBooks = valuesOf(database, movements)
    .filter(({ payment, status }) => byCard.has(payment) && status === "done")
    .reduce((sum, { kind, amountMinor }) => sum + (signs[kind] ?? 0) * amountMinor, 0);
  return atAcquirer === inBooks ? [] : [`the acquirer took ${atAcquirer}, the books say ${inBooks}`];
}

/** A sale that is done was sent once as it says, and told of twice; one that failed left nothing behind. */
export function checkSales(database: Database, courier: CourierOffice): string[] {
  const problems: string[] = [];
  for (const { type, outcome, input } of database.rows(runs).values()) {
    if (type !== "shop.sell" || outcome === undefined) continue;
    const { reference } = JSON.parse(input) as { reference: string };
    if ("result" in outcome) {
      const { parcel, turns } = JSON.parse(outcome.result) as { parcel: number; turns: number[] };
      const noted = database.rows(shopNotes).get(keyOf(reference, "parcel"));
      if (noted !== parcel) problems.push(`${reference} was sent as ${parcel} and noted as ${noted}`);
      if (!courier.insured.has(reference)) problems.push(`${reference} is not insured`);
      if (String(turns) !== "1,2") problems.push(`${reference} heard ${turns}`);
      if (courier.calledBack.has(reference)) problems.push(`${reference} was sold and called back`);
    } else {
      if (courier.sent.has(reference) && !courier.calledBack.has(reference))
        problems.push(`${reference} failed and was not called back`);
      if (courier.insured.has(reference)) problems.push(`${reference} failed and is insured still`);
    }
  }
  return problems;
}

function valuesOf<Row>(database: Database, table: Table<Row>): Row[] {
  return [...database.rows(table).values()];
}
