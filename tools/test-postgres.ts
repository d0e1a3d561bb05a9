import { randomBytes } from "node:crypto";
import { Client } from "pg";

declare module "vitest" {
  interface ProvidedContext {
    /** The run's shared server. Empty when the run holds no integration, conformance or journey test. */
    postgresUrl: string;
  }
}

export type TestDatabase = { readonly url: string; drop(): Promise<void> };

/** What databases are cloned from: made once per server and name, by whoever needs it first. */
export type DatabaseTemplate = { readonly name: string; readonly prepare: (url: string) => Promise<void> };

/**
 * Gives the caller a database of its own on `url` (`inject("postgresUrl")`): empty, or a clone of `template`.
 * `drop` ends what is still connected to it.
 */
export async function createTestDatabase(url: string, template?: DatabaseTemplate): Promise<TestDatabase> {
  if (url === "") {
    throw new Error(
      "No PostgreSQL runs for this file: name it *.integration.test.ts or conformance.test.ts, or put it under journeys/.",
    );
  }
  const name = `test_${randomBytes(6).toString("hex")}`;
  // The server's own databases may have visitors, which stops a clone; a fresh one names template0.
  const source = template ? await prepareTemplate(url, template) : "template0";
  await execute(url, `CREATE DATABASE ${name} TEMPLATE ${source}`);
  return {
    url: withDatabase(url, name),
    drop: () => execute(url, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Prepared under another name first, so that a failed preparation leaves no half template behind. */
async function prepareTemplate(url: string, { name, prepare }: DatabaseTemplate): Promise<string> {
  const template = `template_${name.replaceAll(/\W/g, "_").toLowerCase()}`;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_advisory_lock(hashtext($1))", [template]);
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [template]);
    if (rowCount === 0) {
      const draft = `${template}_draft`;
      await client.query(`DROP DATABASE IF EXISTS ${draft} WITH (FORCE)`);
      await client.query(`CREATE DATABASE ${draft} TEMPLATE template0`);
      await prepare(withDatabase(url, draft));
      await client.query(`ALTER DATABASE ${draft} RENAME TO ${template}`);
    }
    return template;
  } finally {
    await client.end();
  }
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
