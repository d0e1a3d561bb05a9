import { isFault, type Returned, type Sent } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";
import type { Operator } from "../control/operator.ts";
import { CommandFailure, usageFailure } from "../failure.ts";
import { dim, print, printJson, table } from "../output/terminal.ts";
import { withOperator } from "../platform/with-operator.ts";
import { type Demo, type DemoCall, type DemoStep, loadConfig } from "../project/config.ts";

/** Shows a demo of the configuration on the running application, or lists them. */
export async function demo(name: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  const { demos } = await loadConfig();
  if (name === undefined) return list(demos, json === true);
  const chosen = demos[name];
  if (chosen === undefined)
    throw usageFailure(`There is no demo ${name}.`, "`npx banyan demo` lists those of this project.");
  const steps: DemoStep[] = [];
  const say = (step: DemoStep) => {
    steps.push(step);
    if (!json) print(textOf(step));
  };
  await withOperator(async (operator) => {
    try {
      await chosen.run({ call: callBy(operator), say, signal: operator.signal });
    } catch (error) {
      const isTold = isFault(error) || error instanceof CommandFailure || !(error instanceof Error);
      throw isTold ? error : stopped(name, error);
    }
  });
  if (json) printJson({ demo: name, steps });
}

function stopped(name: string, cause: Error): CommandFailure {
  return new CommandFailure(
    `The demo stopped: ${cause.message}`,
    `What it showed is done; \`npx banyan demo ${name}\` begins anew.`,
    { cause },
  );
}

function list(demos: Readonly<Record<string, Demo>>, asJson: boolean): void {
  const found = Object.entries(demos).map(([name, { summary }]) => ({ name, summary }));
  if (asJson) printJson(found);
  else if (found.length === 0) print("This project has no demos; name some in banyan.config.ts.");
  else print(table(found.map(({ name, summary }) => [name, summary])));
}

/** Calls as whoever the demo says, which only an operator may. */
function callBy({ ask }: Operator): DemoCall {
  return async <A extends AnyAction>(action: A, input: Sent<A>, options = {}) =>
    (await ask({ do: "call", action: action.id, input, ...options })) as Returned<A>;
}

const whoWidth = 10;

function textOf({ who, did, facts }: DemoStep): string {
  const known = Object.entries(facts).map(([name, value]) => `${name} ${value}`);
  const about = known.length === 0 ? [] : [dim(`${" ".repeat(whoWidth)}  ${known.join(", ")}`)];
  return [`${who.padEnd(whoWidth)}  ${did}`, ...about].join("\n");
}
