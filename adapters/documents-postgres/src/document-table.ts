import {
  type Collection,
  type DocumentQuery,
  type DocumentSet,
  type DocumentsTraits,
  type InsertVerdict,
  insertBy,
  type Kept,
  keyOf,
  type NewDocument,
} from "@banyan/kernel/documents";
import { columnOf, columnsOf, tableOf } from "./tables.ts";

/** Runs one statement; numbers in its rows are int4, texts or jsonb. */
export type Run = <Row>(sql: string, parameters: readonly unknown[]) => Promise<Row[]>;

type Where<D> = NonNullable<DocumentQuery<D>["where"]>;
type Fields = Readonly<Record<string, unknown>>;

/** One tenant's documents of one collection, by whatever runs its statements. */
export class DocumentTable<D extends object> implements DocumentSet<D> {
  private readonly of: { readonly collection: Collection<D>; readonly traits: DocumentsTraits };
  private readonly tenant: string;
  private readonly run: Run;
  private readonly table: string;
  private readonly keys: string;

  constructor(
    of: { readonly collection: Collection<D>; readonly traits: DocumentsTraits },
    { tenant, run }: { readonly tenant: string; readonly run: Run },
  ) {
    this.of = of;
    this.tenant = tenant;
    this.run = run;
    this.table = `documents."${tableOf(of.collection)}"`;
    this.keys = `documents."${tableOf(of.collection)}_key"`;
  }

  insert(documents: readonly NewDocument<D>[]): Promise<InsertVerdict[]> {
    return insertBy(this.of, documents, (kept) => this.keep(kept));
  }

  /**
   * One statement for all; a second for keys that another transaction took while the first ran, which its snapshot does not have. Arrays are
   * unnested in the list of a SELECT: in FROM each would fill a table of its own first.
   */
  private async keep(kept: readonly Kept[]): Promise<Map<string, string>> {
    const columns = columnsOf(this.of.collection);
    const names = columns.map(({ name }) => name).join(", ");
    const rows = await this.run<{ key: string; insertion: string | null }>(
      `WITH given AS MATERIALIZED (
        SELECT unnest($2::text[]) AS key, unnest($3::text[]) AS insertion, unnest($4::integer[]) AS day, string_to_table($5, E'\n') AS document,
          ${columns.map(({ name, type }, index) => `unnest($${index + 6}::${type}[]) AS ${name}`).join(", ")}
      ), fresh AS (
        INSERT INTO ${this.keys} (tenant, key, insertion, day) SELECT $1, key, insertion, day FROM given
        ON CONFLICT DO NOTHING RETURNING key
      ), stored AS (
        INSERT INTO ${this.table} (tenant, key, day, document, ${names})
        SELECT $1, key, day, document::jsonb, ${names} FROM given WHERE key IN (SELECT key FROM fresh)
      )
      SELECT key, (SELECT known.insertion FROM ${this.keys} AS known WHERE known.tenant = $1 AND known.key = given.key) AS insertion
      FROM given WHERE key NOT IN (SELECT key FROM fresh)`,
      [
        this.tenant,
        kept.map(({ key }) => key),
        kept.map(({ insertion }) => insertion),
        kept.map(({ day }) => day),
        // One text, as JSON has no line breaks of its own: in an array of documents each quote is escaped here, and unescaped there.
        kept.map(({ json }) => json).join("\n"),
        ...columns.map(({ field }) => kept.map(({ document }) => (document as Fields)[field] ?? null)),
      ],
    );
    // No insertion is called "": a key is held by another one also while that cannot be seen.
    const holders = new Map(rows.map(({ key, insertion }) => [key, insertion ?? ""]));
    const unseen = rows.flatMap(({ key, insertion }) => (insertion === null ? [key] : []));
    if (unseen.length === 0) return holders;
    const taken = await this.run<{ key: string; insertion: string }>(
      `SELECT key, insertion FROM ${this.keys} WHERE tenant = $1 AND key = ANY ($2)`,
      [this.tenant, unseen],
    );
    for (const { key, insertion } of taken) holders.set(key, insertion);
    return holders;
  }

  async get(...key: readonly string[]): Promise<D | undefined> {
    const [row] = await this.run<{ document: D }>(
      `SELECT document FROM ${this.table} JOIN ${this.keys} AS known USING (tenant, key, day) WHERE tenant = $1 AND key = $2`,
      [this.tenant, keyOf(key)],
    );
    return row?.document;
  }

  async find({ where = {}, from, to, after, limit }: DocumentQuery<D>): Promise<D[]> {
    const { order } = this.of.collection;
    const parameters: unknown[] = [this.tenant];
    const parameter = (value: unknown) => `$${parameters.push(value)}`;
    const fields = order.map(columnOf);
    const conditions = this.conditionsOf(where, parameter);
    if (from !== undefined) conditions.push(`${fields[0]} >= ${parameter(from)}`);
    if (to !== undefined) conditions.push(`${fields[0]} < ${parameter(to)}`);
    if (after !== undefined) conditions.push(`(${fields.join(", ")}) > (${after.map(parameter).join(", ")})`);
    const rows = await this.run<{ document: D }>(
      `SELECT document FROM ${this.table} WHERE ${conditions.join(" AND ")} ORDER BY ${fields.join(", ")} LIMIT ${parameter(limit)}`,
      parameters,
    );
    return rows.map(({ document }) => document);
  }

  async delete(where: Where<D>): Promise<number> {
    const parameters: unknown[] = [this.tenant];
    const conditions = this.conditionsOf(where, (value) => `$${parameters.push(value)}`);
    if (conditions.length === 1) throw new Error("say which documents are to be deleted");
    const [row] = await this.run<{ count: number }>(
      `WITH gone AS (DELETE FROM ${this.table} WHERE ${conditions.join(" AND ")} RETURNING 1) SELECT count(*)::integer AS count FROM gone`,
      parameters,
    );
    return row?.count ?? 0;
  }

  async known(): Promise<number> {
    const [row] = await this.run<{ count: string }>(
      `SELECT count(*)::text AS count FROM ${this.keys} WHERE tenant = $1`,
      [this.tenant],
    );
    return Number(row?.count);
  }

  private conditionsOf(where: Where<D>, parameter: (value: unknown) => string): string[] {
    const given = Object.entries<string | null | undefined>(where).filter(([, value]) => value !== undefined);
    return [
      "tenant = $1",
      ...given.map(([field, value]) => `${this.textAt(field)} ${value === null ? "IS NULL" : `= ${parameter(value)}`}`),
    ];
  }

  private textAt(field: string): string {
    return this.of.collection.indexes.includes(field) ? columnOf(field) : `(document->>'${field}')`;
  }
}
