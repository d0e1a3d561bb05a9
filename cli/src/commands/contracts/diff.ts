import { readFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { type ContractChange, type ContractsSnapshot, contractChanges, snapshotOf } from "@banyan/kernel/versions";
import { exitCodes, usageFailure } from "../../failure.ts";
import { bold, dim, print, printJson, table } from "../../output/terminal.ts";
import { loadConfig } from "../../project/config.ts";
import { SnapshotFile } from "./snapshot-file.ts";

/**
 * Prints what differs between two versions of the contracts; exit code 1 where something breaks. Each is a file that `banyan
 * contracts snapshot` wrote, or "-" for standard input; the second is the project itself where it is left out.
 */
export async function diff(old: string, now: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  const before = await read(old);
  const after = now === undefined ? await ofProject() : await read(now);
  const changes = contractChanges(before, after);
  const compatible = changes.every(({ breaks }) => breaks.length === 0);
  if (json) printJson({ compatible, changes });
  else print(textOf(changes));
  if (!compatible) process.exitCode = exitCodes.failed;
}

async function ofProject(): Promise<ContractsSnapshot> {
  const { services } = await loadConfig();
  return snapshotOf(services.map(({ contract }) => contract));
}

async function read(path: string): Promise<ContractsSnapshot> {
  const advice = "Write one with `banyan contracts snapshot > contracts.json`.";
  const name = path === "-" ? "What came on standard input" : path;
  let content: unknown;
  try {
    content = JSON.parse(path === "-" ? await text(process.stdin) : await readFile(path, "utf8"));
  } catch (error) {
    throw usageFailure(`${name} cannot be read: ${(error as Error).message}`, advice);
  }
  const result = SnapshotFile.safeParse(content);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw usageFailure(`${name} is no snapshot of contracts: ${issue?.path.join(".")}: ${issue?.message}`, advice);
}

function textOf(changes: readonly ContractChange[]): string {
  const breaking = changes.filter(({ breaks }) => breaks.length > 0);
  const others = changes.filter(({ breaks }) => breaks.length === 0);
  const count = (list: readonly unknown[], one: string) => `${list.length} ${one}${list.length === 1 ? "" : "s"}`;
  const parts = [
    ...(breaking.length > 0 ? [bold("BREAKING"), table(breaking.map(rowOf)), ""] : []),
    ...(others.length > 0 ? [bold("COMPATIBLE"), table(others.map(rowOf)), ""] : []),
    breaking.length === 0
      ? `Nothing breaks; ${count(others, "compatible change")}.`
      : `${count(breaking, "breaking change")}, ${count(others, "compatible change")}.`,
  ];
  return parts.join("\n");
}

function rowOf({ contract, member, kind, field, problem, breaks }: ContractChange): string[] {
  const id = member === "" ? contract : `${contract}.${member}`;
  const sentence = field === "" ? problem : `${field} ${problem}`;
  return [`  ${id}`, dim(kind), sentence, dim(breaks.length > 0 ? `for ${breaks.join(" and ")}` : "")];
}
