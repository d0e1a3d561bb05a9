/** An address as errors and logs may show it: without the user and the password, whatever characters they have. */
export function shownUrl(url: string): string {
  return url.replace(/\/\/.*@/, "//***@");
}
