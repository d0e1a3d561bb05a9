import type { Collected, RefusedEvent } from "./event.ts";
import { type Arrival, judged, refuse } from "./judge.ts";

/** A part of a JSON text in which an object gives a key twice: parsers keep one of the values, and not all of them the same. */
export interface Repeated {
  /** The key with where it stands in the part, joined with dots. */
  readonly path: string;
  /** The part as it was sent. */
  readonly text: string;
}

interface RepeatedKeys {
  /** By their place in the list. */
  readonly parts: ReadonlyMap<number, Repeated>;
  /** The path of what stands outside of the list. */
  readonly outside: string | undefined;
}

interface Level {
  /** Of an object. */
  readonly keys: Set<string> | undefined;
  key: string;
  index: number;
}

const pathCharsMax = 200;
const [quote, backslash, comma] = [34, 92, 44];
const [openBrace, closeBrace, openBracket, closeBracket] = [123, 125, 91, 93];

/**
 * Finds keys that are given twice in a text that is JSON: the first of each part of the list under `list`, as "batch". Where that is null the
 * text is the list, or the one part.
 */
export function repeatedKeys(text: string, list: string | null): RepeatedKeys {
  const parts = new Map<number, Repeated>();
  const levels: Level[] = [];
  const listAt = list === null ? 0 : 1;
  let outside: string | undefined;
  let keyIsNext = false;
  let [partBegins, found]: [number, string | undefined] = [0, undefined];
  /** Whether the innermost level is the list. */
  const inList = () => levels.length === listAt + 1 && isList(levels, listAt, list);
  const endPart = (at: number) => {
    const { index } = levels[listAt] as Level;
    if (found !== undefined) parts.set(index, { path: found, text: text.slice(partBegins, at).trim() });
    [partBegins, found] = [at + 1, undefined];
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const level = levels.at(-1);
    if (code === openBrace || code === openBracket) {
      keyIsNext = code === openBrace;
      levels.push({ keys: keyIsNext ? new Set() : undefined, key: "", index: 0 });
      if (inList()) partBegins = at + 1;
    } else if (code === closeBrace || code === closeBracket) {
      if (inList()) endPart(at);
      levels.pop();
      keyIsNext = false;
    } else if (code === comma) {
      if (inList()) endPart(at);
      if (level !== undefined) level.index++;
      keyIsNext = level?.keys !== undefined;
    } else if (code === quote) {
      const from = at;
      at = endOf(text, from);
      if (!keyIsNext || level?.keys === undefined) continue;
      keyIsNext = false;
      const written = text.slice(from + 1, at);
      level.key = written.includes("\\") ? JSON.parse(`"${written}"`) : written;
      if (!level.keys.has(level.key)) level.keys.add(level.key);
      else if (levels.length > listAt + 1 && isList(levels, listAt, list)) found ??= pathOf(levels.slice(listAt + 1));
      else outside ??= pathOf(levels);
    }
  }
  if (list !== null || outside === undefined) return { parts, outside };
  return { parts: parts.set(0, { path: outside, text }), outside: undefined };
}

/** What an event is refused for whose text gives a key twice: nobody knows which was meant. */
export function refuseRepeated(
  { path, text }: Repeated,
  arrival: Arrival,
  format: RefusedEvent["format"] = "segment",
): Collected {
  return judged({ raw: {}, text: JSON.stringify(text), format }, arrival, () =>
    refuse("notStorable", `${path}: the key is given twice`),
  );
}

/** Where the string ends that begins there. */
function endOf(text: string, begin: number): number {
  let end = begin;
  let escapes: number;
  do {
    end = text.indexOf('"', end + 1);
    for (escapes = 0; text.charCodeAt(end - 1 - escapes) === backslash; ) escapes++;
  } while (escapes % 2 === 1);
  return end;
}

function isList(levels: readonly Level[], listAt: number, list: string | null): boolean {
  return levels[listAt]?.keys === undefined && (list === null || levels[0]?.key === list);
}

function pathOf(levels: readonly Level[]): string {
  const names = levels.map(({ keys, key, index }) => (keys === undefined ? String(index) : key));
  return names.join(".").slice(0, pathCharsMax);
}
