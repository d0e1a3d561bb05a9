import type { LogMessage } from "@banyan/kernel/log";
import { headers, type Msg, type MsgHdrs } from "@nats-io/transport-node";

/** By this id the server knows a message again. https://docs.nats.io/using-nats/developer/develop_jetstream/model_deep_dive */
const idHeader = "Nats-Msg-Id";
const keyHeader = "Banyan-Key";

/** What headers take of the server's limit for a message, at most: a key of 1,024 bytes, each written as "%XX", and the rest. */
export const headerBytesMax = 4_096;

export function headersOf({ id, key }: LogMessage): MsgHdrs {
  const fields = headers();
  fields.append(idHeader, id);
  fields.append(keyHeader, encodeURI(key));
  fields.append("Content-Type", "application/cloudevents+json");
  return fields;
}

/** The message of bytes that were read, or why they are none. */
export function messageOf(read: Pick<Msg, "headers" | "data">, type: string): LogMessage | "no_id" | "no_key" {
  const id = read.headers?.get(idHeader) ?? "";
  if (id === "") return "no_id";
  const key = decoded(read.headers?.get(keyHeader) ?? "");
  if (key === undefined || key === "") return "no_key";
  return { id, type, key, body: read.data };
}

function decoded(key: string): string | undefined {
  try {
    return decodeURIComponent(key);
  } catch {
    return undefined;
  }
}
