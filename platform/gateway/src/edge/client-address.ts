/**
 * What limits count by: an IPv4 address as it is, an IPv6 address by its /64, since that is what one customer gets and
 * may rotate through. IPv4 in IPv6's clothes (`::ffff:10.0.0.1`) is IPv4.
 */
export function addressKey(address: string): string {
  if (!address.includes(":")) return address;
  const [plain = ""] = address.split("%", 1);
  const mapped = /^(?:::|0:0:0:0:0:)ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain);
  if (mapped?.[1] !== undefined) return mapped[1];
  const [head = "", tail] = plain.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...new Array<string>(zeros).fill("0"), ...right];
  return `${groups.slice(0, 4).map(shortest).join(":")}::/64`;
}

const shortest = (group: string) => group.toLowerCase().replace(/^0+(?=.)/, "");

/** The address that the nearest trusted proxy saw: what stands left of it in `X-Forwarded-For`, the client may have made up. */
export function clientAddress(
  own: string,
  forwarded: string | string[] | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let client = own;
  const hops = forwarded === undefined ? [] : String(forwarded).split(",");
  for (let hop = hops.pop(); hop !== undefined && isTrusted(client); hop = hops.pop()) client = hop.trim();
  return client;
}
