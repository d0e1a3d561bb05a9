import type { Log } from "@banyan/kernel/log";
import type { Network } from "@banyan/webhooks";

/** What the service needs beside its store. */
export interface Uses {
  readonly network: Network;
  /** Where files go; undefined where this process writes none. */
  readonly folder: string | undefined;
  readonly logs: Readonly<Record<string, Log>>;
}
