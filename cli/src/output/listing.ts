import { usageFailure } from "../failure.ts";
import { print } from "./terminal.ts";

const limitMax = 10_000;

/** The option of a list that may be long. */
export const limit = ["--limit <n>", `at most so many, up to ${limitMax}`, limitOf, 100] as const;

function limitOf(text: string): number {
  const most = Number(text);
  if (Number.isInteger(most) && most >= 1 && most <= limitMax) return most;
  throw usageFailure(`--limit takes a whole number from 1 to ${limitMax}, not "${text}".`, "Leave it out for 100.");
}

/** Says so where a list ends at its limit. */
export function printWhetherMore(shown: number, most: number): void {
  if (shown === most) print(`There may be more: --limit shows up to ${limitMax}.`);
}

/** What a table has room for of an error, whose other lines are its stack. */
export function firstLine(error = ""): string {
  return (error.split("\n")[0] ?? "").slice(0, 120);
}
