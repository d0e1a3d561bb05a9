import type { Lag } from "@banyan/kernel/app";
import { print, printJson, table } from "../../output/terminal.ts";
import { withOperator } from "../../platform/with-operator.ts";

/** Prints how far deliveries are behind. */
export async function lag({ json }: { readonly json?: boolean }): Promise<void> {
  const found = (await withOperator((operator) => operator.ask({ do: "lag" }))) as Lag;
  if (json) return printJson(found);
  print(
    found.unsentCount === 0
      ? "Every event has reached its subscribers."
      : `${found.unsentCount} events wait, the oldest for ${(found.oldestMs / 1_000).toFixed(1)} s.`,
  );
  const rows = found.subscribers.map(({ subscriber, queuedCount, blockedCount }) => [
    subscriber,
    String(queuedCount),
    String(blockedCount),
  ]);
  if (rows.length > 0) print(table([["SUBSCRIBER", "IN MEMORY", "WAITING FOR A RETRY"], ...rows]));
}
