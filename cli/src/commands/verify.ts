import type { CheckResult } from "../control/operate.ts";
import { exitCodes, usageFailure } from "../failure.ts";
import { print, printJson } from "../output/terminal.ts";
import { withOperator } from "../platform/with-operator.ts";

/** Asks every check of the configuration; exit code 1 where one is not ok. */
export async function verify({ json }: { readonly json?: boolean }): Promise<void> {
  const results = (await withOperator((operator) => operator.ask({ do: "check" }))) as CheckResult[];
  if (results.length === 0) {
    throw usageFailure(
      "The configuration names no checks.",
      "List queries that answer { ok } as `checks` in banyan.config.ts.",
    );
  }
  const ok = results.every((result) => result.ok);
  if (json) printJson({ ok, checks: results });
  else for (const result of results) print(textOf(result));
  if (!ok) process.exitCode = exitCodes.failed;
}

function textOf({ check, ok, result }: CheckResult): string {
  const said = Object.entries(result as object).flatMap(([name, value]) => {
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
    if (name === "ok" || isEmpty) return [];
    return [`  ${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`];
  });
  return [`${check}: ${ok ? "ok" : "BROKEN"}`, ...said].join("\n");
}
