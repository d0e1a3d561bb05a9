import type { JsonSchema } from "@banyan/kernel/app";

/** AsyncAPI's names for engines whose addresses begin otherwise; the rest are called as their addresses begin. */
const protocols: Readonly<Record<string, string>> = { postgresql: "postgres", tls: "nats" };

/**
 * The `servers` of an AsyncAPI document: every server in the address of a log, as "nats://one:4222,two:4222". Users and passwords
 * are left out.
 */
export function logServers(address: string): JsonSchema {
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.*)$/.exec(address) ?? [];
  const [authority = "", ...path] = rest.split(/(?=[/?#])/);
  const hosts = authority
    .split(",")
    .map((part) => part.slice(part.lastIndexOf("@") + 1).replace(/^[a-z]+:\/\//, ""))
    .filter((host) => host !== "");
  const [pathname = ""] = path;
  return Object.fromEntries(
    hosts.map((host, index) => [
      hosts.length === 1 ? "log" : `log-${index + 1}`,
      {
        host,
        protocol: protocols[scheme] ?? scheme,
        ...(pathname.length > 1 && pathname.startsWith("/") && { pathname }),
        description: "Carries the events to other databases and other programs.",
      },
    ]),
  );
}
