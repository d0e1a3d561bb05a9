/** Deeper values are for JSON, which has no limit of its own: the packer calls itself for each level. */
const DEPTH_MAX = 100;

/**
 * Whether MessagePack delivers of the value exactly what JSON would: text, finite numbers, booleans, null, and arrays and plain
 * objects of these. Everything that JSON leaves out or turns into something else makes it false, and so does what MessagePack
 * cannot say: a lone surrogate, -0, a field called "__proto__". An own `toJSON` that is hidden from `for…in` is overlooked.
 */
export function isPlain(value: unknown, depth = 0): boolean {
  switch (typeof value) {
    case "string":
      return value.isWellFormed();
    case "number":
      // -0 is the zero whose inverse is negative; NaN and the infinities differ from themselves.
      return value - value === 0 && (value !== 0 || 1 / value > 0);
    case "boolean":
      return true;
    case "object":
      return (
        value === null || (depth < DEPTH_MAX && (Array.isArray(value) ? isList(value, depth) : isRecord(value, depth)))
      );
    default:
      return false;
  }
}

function isList(list: readonly unknown[], depth: number): boolean {
  if (Object.getPrototypeOf(list) !== Array.prototype) return false;
  // By index: a hole reads as undefined, which is not plain.
  for (let i = 0; i < list.length; i++) if (!isPlain(list[i], depth + 1)) return false;
  return true;
}

function isRecord(record: object, depth: number): boolean {
  const prototype: unknown = Object.getPrototypeOf(record);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name in record) {
    if (name === "__proto__" || !isPlain((record as Record<string, unknown>)[name], depth + 1)) return false;
  }
  return true;
}
