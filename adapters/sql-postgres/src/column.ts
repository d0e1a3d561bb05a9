import { parse as parseArray } from "postgres-array";

/** Turns the text that Postgres sends for one non-null value into a JavaScript value. */
export type Decoder = (text: string) => unknown;

/**
 * Returns how values of a Postgres type arrive: bigint as a number that is checked to be exact, jsonb parsed, timestamptz as
 * Date, date as "YYYY-MM-DD", bytea as Buffer, arrays as arrays. All else (numeric, uuid, timestamp without zone, enums) stays text.
 */
export function decoderOf(typeOid: number): Decoder {
  return decoders.get(typeOid) ?? asText;
}

const asText: Decoder = (text) => text;
const asBoolean: Decoder = (text) => text === "t";
const asNumber: Decoder = (text) => Number(text);
const asJson: Decoder = (text) => JSON.parse(text) as unknown;
const asBytes: Decoder = (text) => Buffer.from(text.slice(2), "hex");

const asSafeInteger: Decoder = (text) => {
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new RangeError(`the bigint ${text} is beyond 2^53 - 1 and would lose digits; select it as ::text`);
};

/** ISO output in UTC, which `connect` sets for each session, is what `Date` reads; infinity and years BC are not. */
const asInstant: Decoder = (text) => {
  const value = new Date(`${text.slice(0, 10)}T${text.slice(11)}:00`);
  if (!Number.isNaN(value.getTime())) return value;
  throw new RangeError(`the timestamp ${text} has no Date; select it as ::text`);
};

/** Type oids are fixed in PostgreSQL's catalogue (pg_type.dat): [type, its array type, decoder]. */
const catalogue: ReadonlyArray<readonly [oid: number, arrayOid: number, decoder: Decoder]> = [
  [16, 1000, asBoolean],
  [17, 1001, asBytes],
  [20, 1016, asSafeInteger],
  [21, 1005, asNumber],
  [23, 1007, asNumber],
  [26, 1028, asNumber],
  [700, 1021, asNumber],
  [701, 1022, asNumber],
  [114, 199, asJson],
  [3802, 3807, asJson],
  [1184, 1185, asInstant],
  [18, 1002, asText],
  [19, 1003, asText],
  [25, 1009, asText],
  [1042, 1014, asText],
  [1043, 1015, asText],
  [1082, 1182, asText],
  [1083, 1183, asText],
  [1114, 1115, asText],
  [1700, 1231, asText],
  [2950, 2951, asText],
  [5069, 271, asText],
];

const decoders = new Map<number, Decoder>(
  catalogue.flatMap(
    ([oid, arrayOid, decoder]): Array<[number, Decoder]> => [
      [oid, decoder],
      [arrayOid, (text) => parseArray(text, decoder)],
    ],
  ),
);
