import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { serve } from "./serving.ts";

const chromium = ["/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => existsSync(path));

test.skipIf(chromium === undefined)(
  "the reference page works in a browser under its own policy, without a network (needs chromium)",
  async () => {
    const { url, gateway } = await serve();
    const folder = await mkdtemp(join(tmpdir(), "banyan-reference-"));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    const flags = [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      `--user-data-dir=${folder}`,
      "--virtual-time-budget=4000",
      "--enable-logging=stderr",
      "--v=0",
    ];
    const { stdout, stderr } = await promisify(execFile)(chromium as string, [...flags, "--dump-dom", `${url}/docs`], {
      timeout: 25_000,
    });
    expect(stdout).toContain("Shop 1.2.3");
    for (const id of ["shop.user", "shop.create", "shop.upload"]) expect(stdout).toContain(`id="${id}"`);
    expect(stdout).toContain("gateway.rateLimited");
    expect(stderr).not.toMatch(/Content Security Policy|Uncaught|Failed to load resource/);
    expect(gateway.address).toBeDefined();
  },
);
