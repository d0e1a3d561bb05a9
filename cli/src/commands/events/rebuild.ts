import { print, printJson } from "../../output/terminal.ts";
import { withOperator } from "../../platform/with-operator.ts";

/** Rebuilds one projection, "ledger.accountDay", from the stored events. */
export async function rebuild(projection: string, { json }: { readonly json?: boolean }): Promise<void> {
  const { foldedCount } = (await withOperator((operator) => operator.ask({ do: "rebuild", projection }))) as {
    foldedCount: number;
  };
  if (json) printJson({ projection, foldedCount });
  else print(`${projection} was rebuilt from ${foldedCount} events.`);
}
