import type { AddressInfo, Server } from "node:net";
import { networkInterfaces } from "node:os";

/** What `net` connects to and listens on. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})$/;

/** Reads "10.0.0.7:4100", "[::1]:4100", "ledger.internal:4100" or "unix:/run/banyan/ledger.sock". Throws with what it takes. */
export function parseAddress(text: string): Address {
  if (text.startsWith("unix:/")) return { path: text.slice("unix:".length) };
  const [, ipv6, name, digits] = HOST_AND_PORT.exec(text) ?? [];
  const host = ipv6 ?? name;
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new Error(`"${text}" is no address: write host:port, [ipv6]:port or unix:/path.`);
}

/** Where others reach a server that listens: its port, at this machine's first address where it listens at all of them. */
export function reachableAt(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === "string") return `unix:${bound}`;
  const host = bound.address === "0.0.0.0" || bound.address === "::" ? firstAddress(bound) : bound.address;
  return host.includes(":") ? `[${host}]:${bound.port}` : `${host}:${bound.port}`;
}

function firstAddress({ address }: AddressInfo): string {
  const outward = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && !one.internal && one.family === "IPv4");
  return outward?.address ?? (address === "::" ? "::1" : "127.0.0.1");
}
