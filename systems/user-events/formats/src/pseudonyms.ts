import { createHmac } from "node:crypto";
import type { Collected, UserEvent } from "./event.ts";

/** A secret of which there may be several, one after the other; the newest makes new pseudonyms. */
export interface PseudonymKey {
  readonly number: number;
  readonly secret: Uint8Array;
}

/** 128 bits of HMAC-SHA256 in base64url. */
const digestChars = 22;

/** Stands for a value: the same for the same value and key, and says which key. Who has no key can neither read nor guess it. */
export function pseudonymOf(value: string, { number, secret }: PseudonymKey): string {
  const digest = createHmac("sha256", secret).update(value).digest("base64url");
  return `p${number}_${digest.slice(0, digestChars)}`;
}

/**
 * What was collected with pseudonyms at the paths, as "userId", "properties.email" or "context.traits.name"; a path goes through lists, into each
 * of their values. null and absent values stay. Of a refused event, whose shape nobody knows, nothing is kept but why it was refused.
 */
export function pseudonymised(collected: Collected, paths: readonly string[], key: PseudonymKey): Collected {
  if (paths.length === 0) return collected;
  if ("refused" in collected) {
    const raw = JSON.stringify("withheld: the source has pseudonyms");
    return { ...collected, refused: { ...collected.refused, raw } };
  }
  // An alias names the id that went before among its properties.
  const isOfPeople = paths.includes("userId") || paths.includes("anonymousId");
  const all = isOfPeople ? [...paths, "properties.previousId"] : paths;
  const event = all.reduce((object, path) => replaced(object, path.split("."), key), collected.event as Fields);
  return { ...collected, event: event as UserEvent };
}

type Fields = Readonly<Record<string, unknown>>;

function replaced(object: Fields, [name = "", ...rest]: readonly string[], key: PseudonymKey): Fields {
  if (!Object.hasOwn(object, name)) return object;
  const value = object[name];
  if (value === null) return object;
  if (rest.length > 0) return { ...object, [name]: replacedIn(value, rest, key) };
  return { ...object, [name]: pseudonymOf(typeof value === "string" ? value : JSON.stringify(value), key) };
}

function replacedIn(value: unknown, path: readonly string[], key: PseudonymKey): unknown {
  if (Array.isArray(value)) return value.map((one) => replacedIn(one, path, key));
  return typeof value === "object" && value !== null ? replaced(value as Fields, path, key) : value;
}
