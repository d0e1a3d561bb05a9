import { BlockList, isIP } from "node:net";

/**
 * What the IANA's registry of special-purpose IPv4 addresses calls not globally reachable, and multicast: this host, private,
 * shared, loopback, link-local (where clouds keep their metadata), documentation, benchmarks, reserved, broadcast.
 */
const notPublicV4 = listOf("ipv4", [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 3],
]);

/** All of IPv6 that is handed out to networks. Loopback, unique local, link-local, mapped and translated IPv4 lie outside. */
const globalV6 = listOf("ipv6", [["2000::", 3]]);

/** Within it: protocol assignments (Teredo among them), documentation, and 6to4, which holds an IPv4 address of anybody's choice. */
const notPublicV6 = listOf("ipv6", [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
]);

/** Whether an address is one of the public internet. What is no plain address, or has a zone, is not. */
export function isPublicAddress(address: string): boolean {
  if (address.includes("%")) return false;
  const version = isIP(address);
  if (version === 4) return !notPublicV4.check(address, "ipv4");
  return version === 6 && globalV6.check(address, "ipv6") && !notPublicV6.check(address, "ipv6");
}

function listOf(family: "ipv4" | "ipv6", subnets: readonly (readonly [network: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of subnets) list.addSubnet(network, prefix, family);
  return list;
}
