/** Whether a text is an IBAN, written without spaces: country, two check digits by ISO 7064 MOD 97-10, up to 30 characters. */
export function isIban(account: string): boolean {
  if (!looksLikeIban(account)) return false;
  const moved = account.slice(4) + account.slice(0, 4);
  let remainder = 0;
  // A letter is two digits, A 10 to Z 35; taken one by one the remainder stays small.
  for (const character of moved) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}

/** Whether a text has the form of an IBAN, be its check digits right or wrong. */
export function looksLikeIban(account: string): boolean {
  return /^[A-Z]{2}\d{2}[A-Z0-9]{11,30}$/.test(account);
}
