import { usageFailure } from "../../failure.ts";
import { print, printJson } from "../../output/terminal.ts";
import { withOperator } from "../../platform/with-operator.ts";

/** Lets every event since a moment be delivered again. */
export async function republish({ since, json }: { readonly since: string; readonly json?: boolean }): Promise<void> {
  const at = momentOf(since, Date.now());
  const { count } = (await withOperator((operator) => operator.ask({ do: "republish", since: at }))) as {
    count: number;
  };
  const iso = new Date(at).toISOString();
  if (json) printJson({ since: iso, count });
  else if (count === 0) print(`No event since ${iso} has been delivered to a service that still listens.`);
  else if (count === 1) print(`1 delivery since ${iso} waits again. \`npx banyan lag\` shows how far it is.`);
  else print(`${count} deliveries since ${iso} wait again. \`npx banyan lag\` shows how far they are.`);
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds since 1970 of "2h" before `now`, or of a date or time of ISO 8601, which is UTC where it names no zone. */
function momentOf(text: string, now: number): number {
  const [, count, unit] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const at = unit === undefined ? instantOf(text) : now - Number(count) * (unitMs[unit] as number);
  if (Number.isNaN(at) || at < 0 || at > now) {
    throw usageFailure(
      `--since ${text} is ${at > now ? "in the future" : "no moment"}.`,
      "Say how long ago, as 90s, 15m, 2h or 7d, or when, as 2026-11-21 or 2026-11-21T09:00:00Z.",
    );
  }
  return at;
}

function instantOf(text: string): number {
  const [, date, time, zone] =
    /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:\d{2})?)?$/.exec(text) ?? [];
  return date === undefined ? Number.NaN : Date.parse(`${date}T${time ?? "00:00"}${zone ?? "Z"}`);
}
