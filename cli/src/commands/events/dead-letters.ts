import type { DeadLetter } from "@banyan/kernel/store";
import type { Operator } from "../../control/operator.ts";
import { CommandFailure, exitCodes, usageFailure } from "../../failure.ts";
import { firstLine } from "../../output/listing.ts";
import { print, printJson, table } from "../../output/terminal.ts";
import { withOperator } from "../../platform/with-operator.ts";

const pageMax = 1_000;

interface Page {
  readonly subscriber?: string | undefined;
  readonly limit: number;
  readonly after?: number | undefined;
}

/** Prints the newest dead letters. */
export async function listDeadLetters({
  json,
  subscriber,
}: {
  readonly json?: boolean;
  readonly subscriber?: string;
}): Promise<void> {
  const letters = await withOperator((operator) => page(operator, { subscriber, limit: 100 }));
  if (json) return printJson(letters);
  if (letters.length === 0) return print("There are no dead letters.");
  print(
    table([
      ["ID", "SUBSCRIBER", "EVENT", "KEY", "ATTEMPTS", "ERROR"],
      ...letters.map(({ id, subscriber, event, attempts, error }) => [
        id,
        subscriber,
        event.type,
        event.key,
        String(attempts),
        firstLine(error),
      ]),
    ]),
  );
  print("Deliver one again with `banyan dead-letters redrive ID`, all with --all.");
}

/** Delivers one dead letter, or all there are now, again; exit code 1 where one failed again. */
export async function redriveDeadLetters(
  id: string | undefined,
  { json, all }: { readonly json?: boolean; readonly all?: boolean },
): Promise<void> {
  if ((id === undefined) === (all !== true)) {
    throw usageFailure("Name one dead letter, or pass --all.", "`banyan dead-letters` lists them with their ids.");
  }
  const outcomes = await withOperator(async (operator) => {
    const ids = id === undefined ? await allIds(operator) : [id];
    const done: { id: string; outcome: unknown }[] = [];
    for (const one of ids) done.push({ id: one, outcome: await operator.ask({ do: "redrive", id: one }) });
    return done;
  });
  if (id !== undefined && outcomes[0]?.outcome === "gone") {
    throw new CommandFailure(`There is no dead letter ${id}.`, "`banyan dead-letters` lists those that wait.");
  }
  if (json) printJson(outcomes);
  else print(outcomes.map(({ id: one, outcome }) => `${one}  ${outcome}`).join("\n") || "There are no dead letters.");
  if (outcomes.some(({ outcome }) => outcome === "failed")) process.exitCode = exitCodes.failed;
}

/** Read before any is delivered: one that fails again goes to the end, and would come round for ever. */
async function allIds(operator: Operator): Promise<string[]> {
  const all: DeadLetter[] = [];
  for (;;) {
    const letters = await page(operator, { limit: pageMax, after: all.at(-1)?.position });
    all.push(...letters);
    if (letters.length < pageMax) return all.map(({ id }) => id);
  }
}

async function page(operator: Operator, { subscriber, limit, after }: Page): Promise<DeadLetter[]> {
  const filter = { ...(subscriber !== undefined && { subscriber }), ...(after !== undefined && { after }) };
  return (await operator.ask({ do: "deadLetters", limit, ...filter })) as DeadLetter[];
}
