import { connect, statement } from "@banyan/sql-postgres";
import { CommandFailure } from "../failure.ts";
import { Steps } from "../output/steps.ts";
import { note, print, printJson, table } from "../output/terminal.ts";
import { openDatabase } from "../platform/database.ts";
import { Openings } from "../process/openings.ts";
import { readEnvironment } from "../project/environment.ts";
import { connectServer, findProject, type Project } from "../project/project.ts";

/** Runs one SQL statement on the project's database, as its owner; without one, prints the URL for other programs. */
export async function sql(text: string | undefined, { json }: { readonly json?: boolean }): Promise<void> {
  if (text === undefined) {
    const url = readEnvironment().DATABASE_URL ?? (await connectServer()).databaseUrl;
    return json ? printJson({ url }) : print(url);
  }
  const project = await findProject();
  if (project.server !== undefined) return runOn(project.server.databaseUrl, text, json);
  const openings = new Openings();
  try {
    await runOn((await databaseOf(project, openings)).url, text, json);
  } finally {
    await openings.close((name, error) => note(`${name} did not close: ${String(error)}`));
  }
}

/** The database server alone, started for as long as it takes. */
function databaseOf({ environment, folder }: Project, openings: Openings): ReturnType<typeof openDatabase> {
  const { signal } = new AbortController();
  return openDatabase({ environment, folder, steps: new Steps(note), openings, signal });
}

async function runOn(url: string, text: string, json: boolean | undefined): Promise<void> {
  const connection = await connect({ url, name: "banyan sql" }).catch(failed);
  try {
    const [result] = await connection.run([statement(text)]).catch(failed);
    const { rows = [], count = 0 } = result ?? {};
    if (json) printJson({ count, rows });
    else print(textOf(rows, count));
  } finally {
    await connection.close();
  }
}

function textOf(rows: readonly Record<string, unknown>[], count: number): string {
  const [first] = rows;
  if (first === undefined) return `${count} rows`;
  const names = Object.keys(first);
  const cells = rows.map((row) => names.map((name) => cellOf(row[name])));
  return `${table([names, ...cells])}\n(${count} rows)`;
}

function cellOf(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value ?? "");
}

/** Of what PostgreSQL says: a relation that it does not find (SQLSTATE 42P01) is one whose schema was left out, most of the time. */
function failed(error: Error): never {
  const advice = error.message.includes("42P01") ? "Tables are named SCHEMA.TABLE, as in ledger.posting." : "";
  throw new CommandFailure(`The database refused: ${error.message}.`, advice);
}
