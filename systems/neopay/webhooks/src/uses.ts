import type { Network } from "@banyan/webhooks";
import type { Provider } from "./inbound/provider.ts";

/** What the service needs beside its store. */
export interface Uses {
  readonly network: Network;
  /** By the name in the path of POST /v1/webhooks/inbound/:provider. */
  readonly providers: ReadonlyMap<string, Provider>;
}
