/** ISO 8601 with a time and a zone, as `Date.toJSON` and every SDK write it. */
const written = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** The years 0 to 9999: what ISO 8601 writes without an agreement between the parties. */
const [earliest, latest] = [Date.parse("0000-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];

/** Milliseconds since 1970 of an instant in ISO 8601 or in milliseconds; undefined of anything else. */
export function instantOf(value: unknown): number | undefined {
  const instant = typeof value === "string" && written.test(value) && isDay(value) ? Date.parse(value) : value;
  return typeof instant === "number" && instant >= earliest && instant <= latest ? Math.trunc(instant) : undefined;
}

/** ISO 8601, in UTC, of milliseconds since 1970. */
export function isoOf(instant: number): string {
  return new Date(instant).toISOString();
}

/** `Date.parse` takes 31 days for a month's. */
function isDay(value: string): boolean {
  const day = Number(value.slice(8, 10));
  return day <= 28 || new Date(`${value.slice(0, 10)}T00:00Z`).getUTCDate() === day;
}
