import type { JsonSchema } from "../contract/schema.ts";

/** One end of what a schema allows, in numbers or in lengths. */
interface LimitKind {
  /** The first names it; one that begins with "exclusive" does not allow its own value. */
  readonly keywords: readonly string[];
  readonly end: "low" | "high";
  /** What it bounds; it says nothing of values of other types. */
  readonly types: readonly string[];
  /** How much of it a value has. */
  readonly measure: (value: unknown) => number | undefined;
}

/** Null: none. `isOpen`: the value itself is not allowed. */
export interface Limit {
  readonly at: number;
  readonly isOpen: boolean;
}

const magnitude = (value: unknown) => (typeof value === "number" ? value : undefined);
/** JSON Schema counts characters as Unicode does, not UTF-16. */
const characters = (value: unknown) => (typeof value === "string" ? [...value].length : undefined);
const elements = (value: unknown) => (Array.isArray(value) ? value.length : undefined);
const fields = (value: unknown) =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value).length : undefined;

/** The keywords that bound a value. */
export const limits: readonly LimitKind[] = [
  { keywords: ["minimum", "exclusiveMinimum"], end: "low", types: ["number", "integer"], measure: magnitude },
  { keywords: ["maximum", "exclusiveMaximum"], end: "high", types: ["number", "integer"], measure: magnitude },
  { keywords: ["minLength"], end: "low", types: ["string"], measure: characters },
  { keywords: ["maxLength"], end: "high", types: ["string"], measure: characters },
  { keywords: ["minItems"], end: "low", types: ["array"], measure: elements },
  { keywords: ["maxItems"], end: "high", types: ["array"], measure: elements },
  { keywords: ["minProperties"], end: "low", types: ["object"], measure: fields },
  { keywords: ["maxProperties"], end: "high", types: ["object"], measure: fields },
];

/** What the schema's keywords say; of two the tighter. An integer above 0 is one from 1 on. */
export function limitOf({ keywords, end }: LimitKind, schema: JsonSchema): Limit | null {
  const towards = end === "low" ? 1 : -1;
  return keywords
    .flatMap((keyword): Limit[] => {
      const at = schema[keyword];
      if (typeof at !== "number") return [];
      const isOpen = keyword.startsWith("exclusive");
      const inward = end === "low" ? Math.floor(at) + 1 : Math.ceil(at) - 1;
      return isOpen && schema.type === "integer" ? [{ at: inward, isOpen: false }] : [{ at, isOpen }];
    })
    .reduce<Limit | null>((best, one) => (best === null || isTighter(one, best, towards) ? one : best), null);
}

/** The limit of the values that a schema lists; null where it lists none, or one has no such measure. */
export function lengthOf({ end, measure }: LimitKind, values: readonly unknown[] | undefined): Limit | null {
  const measured = (values ?? []).map(measure);
  if (measured.length === 0 || measured.includes(undefined)) return null;
  return { at: (end === "low" ? Math.min : Math.max)(...(measured as number[])), isOpen: false };
}

/** Whether the reader's limit refuses something that the writer's allows. */
export function narrower({ end }: LimitKind, reader: Limit | null, writer: Limit | null): boolean {
  return reader !== null && (writer === null || isTighter(reader, writer, end === "low" ? 1 : -1));
}

function isTighter(one: Limit, other: Limit, towards: 1 | -1): boolean {
  return one.at === other.at ? one.isOpen && !other.isOpen : (one.at - other.at) * towards > 0;
}
