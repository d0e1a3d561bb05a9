/** ISO 8601 with a time and a zone, as `Date.toJSON` and every SDK write it. */
const written = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** Milliseconds since 1970 of an instant in ISO 8601 or in milliseconds; undefined of anything else. */
export function instantOf(value: unknown): number | undefined {
  const instant = typeof value === "string" && written.test(value) && isDay(value) ? Date.parse(value) : value;
  return typeof instant === "number" && Number.isSafeInteger(Math.trunc(instant)) ? Math.trunc(instant) : undefined;
}

/** `Date.parse` takes 31 days for a month's. */
function isDay(value: string): boolean {
  const day = Number(value.slice(8, 10));
  return day <= 28 || new Date(`${value.slice(0, 10)}T00:00Z`).getUTCDate() === day;
}
