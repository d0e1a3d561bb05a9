import { isIban } from "./payment/iban.ts";

const escapes: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as an element's content. What no XML may hold (XML 1.0, 2.2), such as U+FFFF, becomes U+FFFD. */
export function xmlText(value: string): string {
  return value
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, "\ufffd")
    .replace(/[&<>"]/g, (character) => escapes[character] as string);
}

/** An account as ISO 20022 names it: an IBAN where it is one. */
export function xmlAccountId(account: string): string {
  return isIban(account) ? `<Id><IBAN>${account}</IBAN></Id>` : `<Id><Othr><Id>${xmlText(account)}</Id></Othr></Id>`;
}
