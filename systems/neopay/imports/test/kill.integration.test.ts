import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createApp } from "@banyan/kernel/app";
import { ledgerService } from "@banyan/neopay-ledger";
import { ledger } from "@banyan/neopay-ledger/contract";
import { createPostgresStore } from "@banyan/sql-postgres";
import { expect, inject, test } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import type { ImportReport } from "../src/index.ts";

const main = fileURLToPath(new URL("import-main.ts", import.meta.url));
const rowCount = 5_000;
const killCount = 6;
const accountCount = 50;

/** One life of the importing process: its report, or null when it was killed after so many of its lines. */
async function live({
  url,
  file,
  killAfterLines,
}: {
  url: string;
  file: string;
  killAfterLines: number;
}): Promise<ImportReport | null> {
  const child = spawn(process.execPath, [main, url, file], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  let lines = 0;
  let report: ImportReport | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    lines += 1;
    if (lines === killAfterLines) child.kill("SIGKILL");
    if (line.startsWith("{")) report = JSON.parse(line) as ImportReport;
  }
  const [code, signal] = await ended;
  expect([code, signal]).toEqual(report ? [0, null] : [null, "SIGKILL"]);
  return report;
}

test(`kill -9, ${killCount} times during an import: nothing lost, nothing doubled, and it goes on`, {
  timeout: 240_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "banyan-kill-"));
  const database = await createTestDatabase(inject("postgresUrl"));
  try {
    const file = join(folder, "berka.csv");
    const rows = Array.from(
      { length: rowCount },
      (_, at) => `${at + 1};${at % accountCount};960728;credit;;1.00;1.00;;;`,
    );
    await writeFile(
      file,
      `trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account\n${rows.join("\n")}\n`,
    );
    // In turn right after the start, while the first chunks are under way, and between later ones.
    for (let kill = 0; kill < killCount; kill += 1) {
      const killed = await live({ url: database.url, file, killAfterLines: 1 + (kill % 3) });
      expect(killed).toBeNull();
    }
    const report = await live({ url: database.url, file, killAfterLines: Number.POSITIVE_INFINITY });
    expect(report).toMatchObject({ received: rowCount, refused: 0 });
    expect((report?.accepted ?? 0) + (report?.duplicate ?? 0)).toBe(rowCount);

    const app = createApp({
      services: [ledgerService],
      store: createPostgresStore({ url: database.url }),
      deadlineMs: 20_000,
    });
    await app.start();
    const { accounts } = await app.call(ledger.accounts, { prefix: "berka:", limit: 1_000 });
    const each = (rowCount / accountCount) * 100;
    expect(accounts.map(({ balanceMinor }) => balanceMinor)).toEqual(Array.from({ length: accountCount }, () => each));
    const { currencies } = await app.call(ledger.trialBalance, {});
    expect(currencies).toMatchObject([
      { currency: "CZK", debitsMinor: rowCount * 100, creditsMinor: rowCount * 100, differenceMinor: 0 },
    ]);
    expect(await app.call(ledger.verify, {})).toMatchObject({ ok: true });
    await app.stop();
  } finally {
    await database.drop();
    await rm(folder, { recursive: true, force: true });
  }
});
