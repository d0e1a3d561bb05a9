import type { Returned, Sent } from "@banyan/kernel";
import type { AnyAction } from "@banyan/kernel/app";

/** What the CLI gives a command of a project: its own `CommandRun`, by its shape. */
export interface CommandRun {
  readonly call: <A extends AnyAction>(action: A, input: Sent<A>) => Promise<Returned<A>>;
  readonly given: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  show(value: unknown, text: string): void;
  readonly signal: AbortSignal;
}

/** The options of these names that were given, as fields of an input: whether they are any good, the action says. */
export function fieldsOf<F>({ options }: CommandRun, names: readonly (keyof F & string)[]): F {
  return Object.fromEntries(names.flatMap((name) => (name in options ? [[name, options[name]]] : []))) as F;
}

/** "2026-11-21 12:30:05.123" */
export function moment(instant: string): string {
  return instant.slice(0, 23).replace("T", " ");
}
