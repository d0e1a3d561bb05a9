import type { EventDefinition } from "../contract/action.ts";

const depthMax = 16;

/**
 * What an event's key is made of: "{account}", "{tenant}/{order.id}". Found by asking for the key of data that names its own
 * fields, so a key that depends on values shows one of its cases; null where the function needs real ones.
 */
export function keyTemplate({ key }: EventDefinition): string | null {
  try {
    return String(key(standIn([]) as never));
  } catch {
    return null;
  }
}

/** Stands for the value at a path: of any field, and of what any method answers. */
function standIn(path: readonly string[]): unknown {
  if (path.length > depthMax) throw new Error("a loop over the data");
  const text = () => `{${path.join(".")}}`;
  return new Proxy(() => {}, {
    get(_, name) {
      if (name === Symbol.toPrimitive || name === "toString" || name === "valueOf") return text;
      return typeof name === "symbol" ? undefined : standIn([...path, name]);
    },
    apply: () => standIn([...path.slice(0, -1), `${path.at(-1)}()`]),
  });
}
