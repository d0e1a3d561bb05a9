/** Tokens of JSON that matter to a path: whole strings, brackets and commas. */
const token = /"(?:[^"\\]|\\.)*"|[[\]{},]/gs;

/**
 * The keys and indexes that lead to the value, key or string around `position`. Of a text that is not JSON it says where
 * it seems to be. It reads the text from its beginning: for refusals, not for every request.
 */
export function pathAt(text: string, position: number): string[] {
  const path: (string | number)[] = [];
  const isObject: boolean[] = [];
  let keyIsNext = false;
  token.lastIndex = 0;
  for (let found = token.exec(text); found !== null && found.index <= position; found = token.exec(text)) {
    const [part] = found;
    if (part === "{" || part === "[") {
      // What is nested too deep is named by what it lies in.
      if (found.index === position) break;
      isObject.push(part === "{");
      path.push(part === "{" ? "" : 0);
      keyIsNext = part === "{";
    } else if (part === "}" || part === "]") {
      isObject.pop();
      path.pop();
      keyIsNext = false;
    } else if (part === ",") {
      keyIsNext = isObject.at(-1) === true;
      const last = path.at(-1);
      if (typeof last === "number") path[path.length - 1] = last + 1;
    } else if (keyIsNext) {
      path[path.length - 1] = decoded(part);
      keyIsNext = false;
    }
  }
  return path.map(String);
}

function decoded(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return quoted.slice(1, -1);
  }
}
