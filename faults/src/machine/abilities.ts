import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";

/** What the harness can do to a machine, beside killing: for each, why it cannot here; undefined where it can. */
export interface Abilities {
  readonly cuts: string | undefined;
  readonly diskFulls: string | undefined;
  readonly clockJumps: string | undefined;
}

/** Debian's packages, and what of them is needed. */
const packages = { iproute2: "ip", nftables: "nft", faketime: "faketime" } as const;

/** libfaketime for programs with threads, where it is installed. */
export function fakeClock(): string | undefined {
  return globSync("/usr/lib/*/faketime/libfaketimeMT.so.1")[0];
}

/** Looks what is there, and installs what is missing where it may: as root, by apt-get. */
export function abilitiesOf(say: (text: string) => void): Abilities {
  if (process.platform !== "linux") return all(`this is ${process.platform}, not Linux`);
  if (process.getuid?.() !== 0) return { ...all("it takes root"), clockJumps: clockReason() };
  const missing = Object.entries(packages).filter(([, program]) => !has(program));
  if (missing.length > 0 && has("apt-get")) {
    const names = missing.map(([name]) => name);
    say(`installing ${names.join(", ")}`);
    run("apt-get", "update", "-qq");
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", ...names);
  }
  return { cuts: cutReason(), diskFulls: undefined, clockJumps: clockReason() };
}

function all(reason: string): Abilities {
  return { cuts: reason, diskFulls: reason, clockJumps: reason };
}

function cutReason(): string | undefined {
  const absent = ["ip", "nft"].find((program) => !has(program));
  if (absent !== undefined) return `${absent} is not installed`;
  return run("unshare", "--net", "nft", "list", "ruleset") ? undefined : "no network namespace may be made";
}

function clockReason(): string | undefined {
  return fakeClock() === undefined ? "libfaketime is not installed" : undefined;
}

function has(program: string): boolean {
  return run("sh", "-c", `command -v ${program}`);
}

function run(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore", timeout: 300_000 }).status === 0;
}
