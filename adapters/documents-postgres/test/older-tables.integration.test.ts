import { dayOf, defineCollection } from "@banyan/kernel/documents";
import { Client } from "pg";
import { expect, inject, onTestFinished, test } from "vitest";
import * as z from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { createPostgresDocuments } from "../src/index.ts";

const visits = defineCollection("site.visit", {
  schema: z.object({ id: z.string(), person: z.string().nullable(), at: z.int(), turn: z.int() }),
  key: ["id"],
  day: "at",
  keepDays: 30,
  order: ["at", "turn"],
  indexes: ["person"],
});
const at = Date.now();
const visit = (id: string, person: string | null, turn: number) => ({ id, person, at, turn });

/** As tables were made while indexes were on what is in the documents. */
const older = `
CREATE SCHEMA documents;
CREATE TABLE documents.site_visit_key (tenant text NOT NULL, key text NOT NULL, insertion text NOT NULL, day integer NOT NULL, PRIMARY KEY (tenant, key));
CREATE TABLE documents.site_visit (tenant text NOT NULL, key text NOT NULL, day integer NOT NULL, document jsonb NOT NULL) PARTITION BY RANGE (day);
CREATE INDEX site_visit_by_person ON documents.site_visit (tenant, (document->>'person'), ((document->>'at')::bigint), ((document->>'turn')::bigint))
  WHERE (document->>'person') IS NOT NULL;
CREATE TABLE documents.site_visit_other PARTITION OF documents.site_visit DEFAULT;
CREATE TABLE documents.site_visit_${dayOf(at)} PARTITION OF documents.site_visit FOR VALUES FROM (${dayOf(at)}) TO (${dayOf(at) + 1});
`;

test("documents of older tables are found as before, beside new ones", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  onTestFinished(() => database.drop());
  const client = new Client({ connectionString: database.url });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query(older);
  for (const old of [visit("a", "ann", 2), visit("b", null, 1)]) {
    await client.query("INSERT INTO documents.site_visit_key VALUES ('default', $1, 'old', $2)", [
      `["${old.id}"]`,
      dayOf(at),
    ]);
    await client.query("INSERT INTO documents.site_visit VALUES ('default', $1, $2, $3)", [
      `["${old.id}"]`,
      dayOf(at),
      old,
    ]);
  }
  for (const opening of ["first", "second"]) {
    const documents = createPostgresDocuments({ url: database.url });
    onTestFinished(() => documents.close({ deadlineMs: 5_000 }));
    await documents.open({ collections: [visits], signal: AbortSignal.timeout(30_000) });
    const set = documents.of(visits, { tenant: "default", sql: () => expect.unreachable() });
    const again = { document: visit("a", "ann", 2), insertion: opening };
    expect(await set.insert([again, { document: visit(opening, "ann", 1), insertion: opening }])).toEqual([
      "duplicate",
      "inserted",
    ]);
    expect(await set.get("b")).toEqual(visit("b", null, 1));
    const [first, last] = [
      await set.find({ where: { person: "ann" }, limit: 1 }),
      await set.find({ after: [at, 1], limit: 10 }),
    ];
    expect(first).toEqual([visit("first", "ann", 1)]);
    expect(last).toEqual([visit("a", "ann", 2)]);
    await set.delete({ person: "bob" });
  }
});
