import { once } from "node:events";
import { type Collection, dayOf } from "@banyan/kernel/documents";
import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresDocuments } from "../src/index.ts";

const dayMs = 86_400_000;
const posts = { name: "probe.post", order: ["at"], indexes: [], keepDays: 30 } as unknown as Collection;

test("a day that somebody reads holds up nobody: it is told that it stays, and days to come are added", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  onTestFinished(() => database.drop());
  const opened = async () => {
    const documents = createPostgresDocuments({ url: database.url });
    onTestFinished(() => documents.close({ deadlineMs: 5_000 }));
    await documents.open({ collections: [posts], signal: AbortSignal.timeout(30_000) });
    return documents;
  };
  const now = Date.now();
  await (await opened()).keep(now - 40 * dayMs);
  const reader = new Client({ connectionString: database.url });
  await reader.connect();
  onTestFinished(() => reader.end());
  await reader.query(`BEGIN; LOCK TABLE documents.probe_post_${dayOf(now) - 40} IN ACCESS SHARE MODE`);
  const warned = once(process, "warning");
  const documents = await opened();
  expect(String((await warned)[0])).toContain("lock timeout");
  const later = now + 10 * dayMs;
  await expect(documents.keep(later)).rejects.toMatchObject({ code: "documents.unavailable" });
  const added = await reader.query("SELECT to_regclass($1) AS found", [`documents.probe_post_${dayOf(later)}`]);
  expect(added.rows[0]?.found).not.toBeNull();
});
