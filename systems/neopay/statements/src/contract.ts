import { command, defineContract, event, fault, query } from "@banyan/kernel";
import {
  Balance,
  BankStatement,
  ParseProblem,
  StatementEntry,
  StatementFormat,
  Tie,
} from "@banyan/neopay-bank-files/model";
import { currencyCode } from "@banyan/neopay-money";
import * as z from "zod";

/** Characters of one document, at most: about 20,000 entries of camt.053. */
export const documentCharsMax = 16 * 1024 * 1024;

const id = z.uuid();
const { entries: _entries, balances: _balances, ...heading } = BankStatement.shape;

/**
 * A stored statement without its entries. `replacedById` is the statement that the bank sent in its place later: of the same
 * id, from the same opening balance, with other content.
 */
const Statement = z.object({
  id,
  ...heading,
  entryCount: z.int(),
  replacedById: id.nullable(),
  importedAt: z.iso.datetime(),
});
export type Statement = z.infer<typeof Statement>;

/** What became of one statement of a document. A duplicate changed nothing, and `id` is that of the stored one. */
const Imported = z.object({
  ...Statement.omit({ importedAt: true, replacedById: true }).shape,
  duplicate: z.boolean(),
  /** The stored statement that this one replaces, null for most. */
  replacesId: id.nullable(),
});
export type Imported = z.infer<typeof Imported>;

const page = { after: z.int().min(0).default(0), limit: z.int().min(1).max(1_000).default(100) };

/** Bank statements: read from what banks send, tied to the cent, stored once. */
export const statements = defineContract("statements", {
  faults: {
    /** Nothing in the document could be read. Nothing was stored. */
    unreadable: fault("invalid", z.object({ problems: z.array(ParseProblem) }), {
      message: ({ problems: [first] }) =>
        `no statement could be read${first?.line ? `; line ${first.line}` : ""}${first?.at ? `, ${first.at}` : ""}: ${first?.reason ?? ""}`,
    }),
    unknownStatement: fault("not_found", z.object({ id: z.string() }), {
      message: ({ id }) => `there is no statement ${id}`,
    }),
  },
  commands: {
    /** Stores every statement that can be trusted and tells a problem for each that cannot. The same statement again has no effect. */
    import: command({
      summary: "Import bank statements: camt.053, camt.054, MT940 or CSV",
      input: z.strictObject({
        content: z
          .string()
          .min(1)
          .max(documentCharsMax)
          .describe(
            "camt.052, camt.053 or camt.054 (XML), MT940, or CSV. The first line of a CSV names its columns: account, currency, bookedOn " +
              "(YYYY-MM-DD) and amount (signed); statement, valueOn, balance (after the row), reference, endToEndId, counterparty, " +
              "counterpartyAccount and description where there are any; others are left alone.",
          ),
        /** Found from how the content begins when absent. */
        format: StatementFormat.optional(),
        /** For CSV; found when absent. */
        delimiter: z.enum([";", ","]).optional(),
        decimal: z.enum([",", "."]).optional(),
      }),
      output: z.object({ statements: z.array(Imported), problems: z.array(ParseProblem) }),
      faults: ["unreadable"],
      http: "POST /v1/statements",
      httpStatus: 201,
      httpText: {
        field: "content",
        contentTypes: ["application/xml", "text/xml", "text/csv", "text/plain"],
        bytesMax: documentCharsMax,
      },
      access: "statements:write",
    }),
  },
  queries: {
    find: query({
      summary: "A statement with its balances",
      input: z.strictObject({ id }),
      output: z.object({ ...Statement.shape, balances: z.array(Balance) }),
      faults: ["unknownStatement"],
      http: "GET /v1/statements/:id",
      access: "statements:read",
    }),
    /** Entries in the bank's order; `after` is the index of the last one seen. `next` is null on the last page. */
    entries: query({
      summary: "The entries of a statement",
      input: z.strictObject({ id, ...page }),
      output: z.object({ entries: z.array(StatementEntry), next: z.int().nullable() }),
      faults: ["unknownStatement"],
      http: "GET /v1/statements/:id/entries",
      access: "statements:read",
    }),
    /** Statements in the order of their import; `after` is the `next` of the page before. */
    list: query({
      summary: "Statements, oldest import first",
      input: z.strictObject({ account: z.string().max(200).optional(), ...page }),
      output: z.object({ statements: z.array(Statement), next: z.int().nullable() }),
      http: "GET /v1/statements",
      access: "statements:read",
    }),
    /** For services that follow the events: how many statements there are to have arrived. Notifications do not count. */
    accounts: query({
      summary: "The accounts that statements have come for",
      input: z.strictObject({}),
      output: z.object({ accounts: z.array(z.object({ account: z.string(), statementCount: z.int() })) }),
      http: "GET /v1/statements/accounts",
      access: "statements:read",
    }),
  },
  events: {
    /** One per stored statement, in commit order per account. The entries are asked for with `statements.entries`. */
    imported: event({
      data: z.strictObject({
        id,
        format: BankStatement.shape.format,
        account: z.string(),
        currency: currencyCode,
        statementId: z.string(),
        closing: Balance.nullable(),
        ...Tie.shape,
        entryCount: z.int(),
        /** What was said of that statement no longer holds. */
        replacesId: id.nullable(),
      }),
      key: ({ account }) => account,
    }),
  },
});
