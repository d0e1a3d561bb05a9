import type { Schema, SchemaOutput } from "../contract/schema.ts";

/** Fields of a document that hold a `T`. */
type FieldOf<D, T> = { [F in keyof D & string]: D[F] extends T ? F : never }[keyof D & string];

/** How documents of one kind are known, ordered, found, and how long they are kept. Of each field named here the value is in the document itself. */
interface Definition<S extends Schema> {
  readonly schema: S;
  /** Texts that together are one document's alone within its tenant, for ever: also once it is deleted. */
  readonly key: readonly FieldOf<SchemaOutput<S>, string>[];
  /** Milliseconds since 1970: the day, in UTC, that the document lies under. */
  readonly day: FieldOf<SchemaOutput<S>, number>;
  /** Documents go when their day is so many days ago. */
  readonly keepDays: number;
  /** Integers in whose order documents are read: the first is what `from` and `to` bound, all together are one document's alone. */
  readonly order: readonly FieldOf<SchemaOutput<S>, number>[];
  /** Texts by each of which documents are found without looking at others. null is found by nobody. */
  readonly indexes: readonly FieldOf<SchemaOutput<S>, string | null>[];
}

/** Documents of one kind: a value that services pass, as they pass a contract. Made by `defineCollection`. */
export interface Collection<D extends object = object> {
  /** Of the service and the documents, as an event has it: "events.event". */
  readonly name: string;
  readonly schema: Schema<unknown, D>;
  readonly key: readonly string[];
  readonly day: string;
  readonly keepDays: number;
  readonly order: readonly string[];
  readonly indexes: readonly string[];
}

const nameOf = /^[a-z][A-Za-z0-9]*\.[a-z][A-Za-z0-9]*$/;
const fieldOf = /^[A-Za-z][A-Za-z0-9]*$/;

/** Declares documents of one kind. Throws where a name is none that every engine takes. */
export function defineCollection<const S extends Schema<unknown, object>>(
  name: string,
  definition: Definition<S>,
): Collection<SchemaOutput<S> & object> {
  const { key, day, order, indexes } = definition;
  if (!nameOf.test(name) || name.length > 40)
    throw new Error(`"${name}" is no name of a collection; write it as service.documents, 40 characters at most`);
  const wrong = [...key, day, ...order, ...indexes].find((field) => !fieldOf.test(field));
  if (wrong !== undefined)
    throw new Error(`${name} names a field "${wrong}"; letters and digits are what every engine takes`);
  if (key.length === 0 || order.length === 0) throw new Error(`${name} needs a key and an order`);
  return { name, ...definition } as unknown as Collection<SchemaOutput<S> & object>;
}
