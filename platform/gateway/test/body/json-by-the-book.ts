/**
 * Whether a valid JSON text should be refused, found the slow way: by a recursive descent over the grammar of RFC 8259
 * that builds every value. Nothing in it is made like the scanner that is held to it.
 */
export function refusedByTheBook(text: string, depthMax: number): boolean {
  let at = 0;
  let isRefused = false;
  const skip = () => {
    while (" \t\r\n".includes(text[at] ?? "x")) at++;
  };
  const string = (): string => {
    const [token = ""] = /^"(?:[^"\\]|\\.)*"/s.exec(text.slice(at)) ?? [];
    at += token.length;
    const value = JSON.parse(token) as string;
    if (value.includes("\0") || !value.isWellFormed()) isRefused = true;
    return value;
  };
  const list = (end: string, item: () => void) => {
    at++;
    skip();
    while (text[at] !== end) {
      item();
      skip();
      if (text[at] === ",") at++;
      skip();
    }
    at++;
  };
  const value = (depth: number, under: string | undefined): void => {
    skip();
    const letter = text[at];
    if (letter === "{" || letter === "[") if (depth + 1 > depthMax) isRefused = true;
    if (letter === "{") {
      const keys: string[] = [];
      list("}", () => {
        const key = string();
        if (keys.includes(key) || key === "__proto__" || (key === "prototype" && under === "constructor"))
          isRefused = true;
        keys.push(key);
        skip();
        at++;
        value(depth + 1, key);
      });
    } else if (letter === "[") list("]", () => value(depth + 1, undefined));
    else if (letter === '"') string();
    else {
      const [token = ""] = /^[-+.\w]+/.exec(text.slice(at)) ?? [];
      at += token.length;
      if (/^[-\d]/.test(token)) {
        const number = Number(token);
        if (Math.abs(number) > Number.MAX_SAFE_INTEGER) isRefused = true;
      }
    }
  };
  value(0, undefined);
  return isRefused;
}
