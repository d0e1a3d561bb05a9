/** `*` stands for any run of characters: "ledger.*", "*.posted". */
export function matcher(pattern: string): RegExp {
  const literal = (part: string) => part.replace(/[^\w]/g, "\\$&");
  return new RegExp(`^${pattern.split("*").map(literal).join(".*")}$`);
}
