import type { LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { isPublicAddress } from "./public-address.ts";

/** All addresses of a host name. */
export type Resolve = (host: string) => Promise<readonly LookupAddress[]>;

/** What may be called. */
export interface Network {
  /** Hosts, with or without port, that may be called wherever they lie and without TLS: for development and tests. */
  readonly allowed: ReadonlySet<string>;
  readonly resolve: Resolve;
}

/** A URL with the addresses that were checked: what is connected to is one of these, whatever the name says a moment later. */
export interface Target {
  readonly url: URL;
  readonly addresses: readonly LookupAddress[];
}

/** Why a URL is not called. */
export class TargetRefused extends Error {
  override readonly name = "TargetRefused";
}

/** The resolver of the operating system, which knows what its administrator wants known. */
export const systemResolve: Resolve = (host) => lookup(host, { all: true });

/**
 * Checks a URL and resolves its host, once. Every address must be public: a name with one public and one private address
 * could be used to reach the latter. Throws TargetRefused with a reason that tells nothing of our network.
 */
export async function resolveTarget({ allowed, resolve }: Network, text: string, signal: AbortSignal): Promise<Target> {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw new TargetRefused("it is no URL");
  if (url.username !== "" || url.password !== "") throw new TargetRefused("it holds credentials");
  const isAllowed = allowed.has(url.host) || allowed.has(url.hostname);
  if (url.protocol !== "https:" && !(isAllowed && url.protocol === "http:")) throw new TargetRefused("it is not https");
  // Of an IPv6 address the URL has brackets, a resolver does not.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const addresses = await until(signal, resolve(host)).catch((error: unknown) => {
    signal.throwIfAborted();
    throw new TargetRefused("its host is not known", { cause: error });
  });
  if (addresses.length === 0) throw new TargetRefused("its host is not known");
  if (!isAllowed && !addresses.every(({ address }) => isPublicAddress(address))) {
    throw new TargetRefused("its host is not on the public internet");
  }
  return { url, addresses };
}

/** A look-up cannot be called off; it can be left. */
function until<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}
