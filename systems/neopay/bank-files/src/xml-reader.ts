import { SaxesParser } from "saxes";
import { ParseError } from "./problem.ts";
import type { XmlElement } from "./xml-element.ts";

// ISO 20022 messages nest about 15 deep and hold texts of at most 9 KB (their largest type is Max9000Text).
const DEPTH_MAX = 64;
const TEXT_CHARS_MAX = 65_536;
const ATTRIBUTES_MAX = 32;
// saxes tells of a text at its end only, so slices keep the check of its size close behind.
const SLICE_CHARS = 65_536;

/** What the reader of a message is told. A ParseError thrown by a listener ends the document. */
export type XmlListener = {
  opened(element: XmlElement): void;
  /** The element is complete. True drops it from its parent, which keeps memory flat over long statements. */
  closed(element: XmlElement): boolean;
};

/** A document being read: `write` takes text in any slices, `close` refuses a truncated one. */
export type XmlReader = { write(text: string): void; close(): void };

/**
 * Reads XML without ever expanding or fetching anything: a DOCTYPE is refused, only the five predefined entities and
 * character references exist, and depth, text and attributes are bounded. Names come without their prefix; `namespace`
 * holds the rest. Throws ParseError with the line for whatever is not well-formed or beyond a bound.
 */
export function createXmlReader(listener: XmlListener): XmlReader {
  const parser = new SaxesParser({ xmlns: true, position: true });
  const open: XmlElement[] = [];
  const refuse = (reason: string): never => {
    throw new ParseError({ line: parser.line, at: open.at(-1)?.path ?? null }, reason);
  };
  const checkText = (length: number): void => {
    if (length > TEXT_CHARS_MAX) refuse(`a text exceeds ${TEXT_CHARS_MAX} characters`);
  };
  const addText = (text: string): void => {
    const element = open.at(-1);
    if (!element) return;
    checkText(element.text.length + text.length);
    element.text += text;
  };
  let attributes = 0;
  let tagLine = 1;
  // Characters that went by since the parser last told anything: a text, comment or value that has no end.
  let silentChars = 0;
  const heard = (): void => {
    silentChars = 0;
  };

  parser.on("error", (error) => refuse(`the XML is not well-formed: ${error.message.replace(/^\d+:\d+: /, "")}`));
  parser.on("doctype", () => refuse("a DOCTYPE is refused: bank messages have none, and it can expand without bound"));
  parser.on("opentagstart", () => {
    heard();
    attributes = 0;
    tagLine = parser.line;
  });
  parser.on("attribute", (attribute) => {
    heard();
    attributes += 1;
    if (attributes > ATTRIBUTES_MAX) refuse(`more than ${ATTRIBUTES_MAX} attributes`);
    checkText(attribute.value.length);
  });
  parser.on("opentag", (tag) => {
    const parent = open.at(-1);
    if (open.length >= DEPTH_MAX) refuse(`elements nest deeper than ${DEPTH_MAX}`);
    const element: XmlElement = {
      name: tag.local,
      namespace: tag.uri,
      path: parent ? `${parent.path}/${tag.local}` : tag.local,
      line: tagLine,
      currency: tag.attributes.Ccy?.value ?? null,
      text: "",
      children: [],
    };
    if (parent) {
      // Only indentation stands between elements; kept, it would count against the bound over a long statement.
      parent.text = "";
      parent.children.push(element);
    }
    open.push(element);
    listener.opened(element);
  });
  parser.on("text", addText);
  parser.on("cdata", addText);
  parser.on("comment", heard);
  parser.on("closetag", () => {
    heard();
    const element = open.pop();
    if (element && listener.closed(element)) open.at(-1)?.children.pop();
  });

  return {
    write(text) {
      for (let start = 0; start < text.length; start += SLICE_CHARS) {
        const slice = text.slice(start, start + SLICE_CHARS);
        silentChars += slice.length;
        parser.write(slice);
        if (silentChars > TEXT_CHARS_MAX + SLICE_CHARS) refuse(`a text exceeds ${TEXT_CHARS_MAX} characters`);
      }
    },
    close: () => void parser.close(),
  };
}
