import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogServer } from "../src/server.ts";

let home: string;
let server: LogServer;

/** Programs that act as those of ../shared/infra, on a server of this test alone. */
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "banyan-infra-"));
  for (const folder of ["run", "log"]) mkdirSync(join(home, folder));
  program("up", "true");
  program("kill", "true");
  server = LogServer.of("own", { programs: home, home }) as LogServer;
});
afterEach(() => rmSync(home, { recursive: true }));

function program(name: string, text: string): void {
  writeFileSync(join(home, name), `#!/bin/bash\n${text}\n`);
  chmodSync(join(home, name), 0o755);
}

/** Starts a server that leads a session of its own. */
function lead(script: string): void {
  program("server", `cd "$(dirname "$0")"; echo $$ >run/own.pid; touch run/begun; ${script}`);
  execFileSync("bash", ["-c", "setsid ./server >/dev/null 2>&1 & until [ -e run/begun ]; do sleep 0.02; done"], {
    cwd: home,
  });
}

test("a server is killed when its processes have ended, not when `kill` has", async () => {
  lead("trap 'sleep 0.5; touch run/ended; exit' TERM; while :; do sleep 0.05; done");
  program("kill", "kill -TERM $(cat run/own.pid)");
  await server.kill();
  expect(readdirSync(join(home, "run"))).toContain("ended");
});

test("a server that has ended by itself counts as killed", async () => {
  lead("exit");
  program("kill", "echo own is not running >&2; exit 1");
  await server.kill();
});

test("what does not start says why, with the end of its log", async () => {
  writeFileSync(join(home, "log/own.log"), "no space left\n");
  program("up", "echo own died while starting >&2; exit 1");
  await expect(server.start()).rejects.toThrow(/own died while starting\n\n?The end of .*own\.log:\nno space left/);
});
