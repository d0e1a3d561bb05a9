import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { MigratedService } from "@banyan/kernel/store";
import { BEGIN, COMMIT, ROLLBACK, type SqlConnection } from "./connection.ts";
import { type Statement, sql, statement } from "./statement.ts";

/** Any number that other users of the database's advisory locks do not choose: "banyan" in ASCII. */
const LOCK_KEY = 0x62616e79616e;
const SESSION: readonly Statement[] = [
  // Longer than any migration should hold up its neighbours.
  statement("SET lock_timeout = '10min'"),
  // A commit per file need not reach the disk by itself: one that a crash takes back is applied again, and what later waits for the
  // disk makes all before it durable, too.
  statement("SET synchronous_commit = off"),
];
const LOCK: Statement = statement("SELECT pg_advisory_lock($1::bigint)", [LOCK_KEY]);
const UNLOCK: Statement = statement("SELECT pg_advisory_unlock($1::bigint)", [LOCK_KEY]);

const RECORD: readonly Statement[] = [
  statement("CREATE SCHEMA IF NOT EXISTS banyan"),
  statement(`CREATE TABLE IF NOT EXISTS banyan.migration (
    service text NOT NULL,
    number int NOT NULL,
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (service, number))`),
];

interface MigrationFile {
  readonly number: number;
  /** As in the folder: `000001-accounts.sql`. */
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
}

/**
 * Applies each service's numbered SQL files that the database has not seen, in order, each in one transaction with its record.
 * Processes that start together wait for the first, and nothing waits for a lock longer than ten minutes. Throws, before anything of that service is applied, where an applied file was
 * edited or is missing, or where numbers have a gap. A file that fails leaves its predecessors applied and nothing of itself.
 */
export async function migrate(
  connection: SqlConnection,
  services: readonly Pick<MigratedService, "name" | "migrations">[],
): Promise<void> {
  const folders = new Map<string, readonly MigrationFile[]>();
  for (const { name, migrations } of services)
    if (migrations !== undefined) folders.set(name, await readFolder(name, migrations));
  await connection.run([...SESSION, LOCK]);
  try {
    // IF NOT EXISTS still says so, in the server's log too: only the first start needs it.
    const [present] = await connection.run([sql`SELECT to_regclass('banyan.migration') IS NOT NULL AS found`]);
    if (present?.rows[0]?.found !== true) await connection.run([BEGIN, ...RECORD, COMMIT]);
    for (const [service, files] of folders) await migrateService(connection, service, files);
  } finally {
    if (connection.inTransaction && !connection.broken) await connection.send([ROLLBACK]);
    if (!connection.broken) await connection.send([UNLOCK]);
  }
}

async function migrateService(
  connection: SqlConnection,
  service: string,
  files: readonly MigrationFile[],
): Promise<void> {
  const [applied] = await connection.run([
    sql`SELECT number, name, sha256 FROM banyan.migration WHERE service = ${service} ORDER BY number`,
  ]);
  const rows = applied?.rows as unknown as ReadonlyArray<Pick<MigrationFile, "number" | "name" | "sha256">>;
  for (const [index, row] of rows.entries()) {
    const file = files[index];
    if (file === undefined) {
      throw new Error(
        `the database has ${service}'s migration ${row.name}, which this program does not: it is newer; start the newer program`,
      );
    }
    if (file.sha256 !== row.sha256 || file.name !== row.name) {
      throw new Error(
        `${service}'s migration ${file.name} is not what was applied as ${row.name}: restore that file and put the change into a new one`,
      );
    }
  }
  for (const file of files.slice(rows.length)) await apply(connection, service, file);
}

async function apply(connection: SqlConnection, service: string, file: MigrationFile): Promise<void> {
  try {
    await connection.run([BEGIN]);
    await connection.runScript(file.text);
    if (!connection.inTransaction) throw new Error("it ends the transaction; leave BEGIN, COMMIT and ROLLBACK out");
    await connection.run([
      sql`INSERT INTO banyan.migration (service, number, name, sha256)
        VALUES (${service}, ${file.number}, ${file.name}, ${file.sha256})`,
      COMMIT,
    ]);
  } catch (cause) {
    throw new Error(`${service}'s migration ${file.name} failed: ${(cause as Error).message}`, { cause });
  }
}

async function readFolder(service: string, folder: URL): Promise<readonly MigrationFile[]> {
  const base = folder.href.endsWith("/") ? folder : new URL(`${folder.href}/`);
  const found = await readdir(base).catch((cause: Error) => {
    throw new Error(`${service}'s migrations cannot be read: ${cause.message}`, { cause });
  });
  const names = found.filter((name) => name.endsWith(".sql")).sort();
  return Promise.all(
    names.map(async (name, index) => {
      const number = Number(/^(\d{6})-[a-z0-9-]+\.sql$/.exec(name)?.[1]);
      if (number !== index + 1) {
        const expected = String(index + 1).padStart(6, "0");
        throw new Error(
          `${new URL(name, base).pathname} should be ${expected}-<words>.sql: numbers count from 000001 without a gap`,
        );
      }
      const text = await readFile(new URL(name, base), "utf8");
      return { number, name, text, sha256: createHash("sha256").update(text).digest("hex") };
    }),
  );
}
