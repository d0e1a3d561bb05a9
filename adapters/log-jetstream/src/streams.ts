import { logFaults } from "@banyan/kernel/log";
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from "@nats-io/jetstream";
import type { Names } from "./names.ts";
import type { JetStreamLogOptions } from "./options.ts";

type Wanted = Partial<StreamConfig> & { readonly name: string };

const nanosOf = (ms: number) => ms * 1_000_000;

/**
 * What the log rests on: whole batches or nothing of them, on a disk, and no message that goes before its time. A full stream
 * refuses what is new, since what is old may not be read yet.
 */
function logStream(names: Names): Wanted {
  return {
    name: names.stream,
    subjects: [names.subject(">")],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: -1,
    allow_atomic: true,
  };
}

/** As NATS' own tools make a bucket, so that they read it. https://github.com/nats-io/nats-architecture-and-design ADR-8 */
function placesStream(names: Names): Wanted {
  return {
    name: names.places,
    subjects: [names.place(">")],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    deny_delete: true,
    allow_direct: true,
  };
}

/** Makes the streams where they are not there; answers the log's. Raises `log.misconfigured` naming what is not as it must be. */
export async function prepareStreams(
  manager: JetStreamManager,
  { names, stream = {} }: { readonly names: Names } & Pick<JetStreamLogOptions, "stream">,
): Promise<StreamInfo> {
  const { horizonMs = 7 * 86_400_000, replicas = 1, bytesMax = -1, duplicateWindowMs = 120_000 } = stream;
  const limits = {
    max_age: nanosOf(horizonMs),
    max_bytes: bytesMax,
    // The server refuses a window that is longer than what it keeps.
    duplicate_window: nanosOf(horizonMs === 0 ? duplicateWindowMs : Math.min(duplicateWindowMs, horizonMs)),
  };
  await prepare(manager, { wanted: placesStream(names), made: { num_replicas: replicas } });
  return await prepare(manager, { wanted: logStream(names), made: { num_replicas: replicas, ...limits } });
}

/** `wanted` is looked after; `made` is only what a new one is made like. */
async function prepare(
  manager: JetStreamManager,
  { wanted, made }: { readonly wanted: Wanted; readonly made: Partial<StreamConfig> },
): Promise<StreamInfo> {
  try {
    const info = (await find(manager, wanted.name)) ?? (await create(manager, { ...wanted, ...made }));
    const differences = Object.entries(wanted)
      .map(([name, value]) => ({ name, value, found: info.config[name as keyof StreamConfig] }))
      .filter(({ value, found }) => JSON.stringify(value) !== JSON.stringify(found));
    const { persist_mode: persists = "default" } = info.config;
    if (persists !== "default") differences.push({ name: "persist_mode", value: "default", found: persists });
    if (differences.length === 0) return info;
    const texts = differences.map(({ name, value, found }) => `${name} is ${text(found)} and must be ${text(value)}`);
    throw logFaults.misconfigured({ reason: `the stream "${wanted.name}" is not ours: ${texts.join(", ")}` });
  } catch (cause) {
    throw faultOf(wanted.name, cause);
  }
}

async function find(manager: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return null;
    throw error;
  }
}

/** Somebody may have been quicker, with other limits: then it is theirs that counts. */
async function create(manager: JetStreamManager, config: Wanted): Promise<StreamInfo> {
  try {
    return await manager.streams.add(config);
  } catch (error) {
    const made = await find(manager, config.name);
    if (made === null) throw error;
    return made;
  }
}

/** The server's word against the stream is a misconfiguration; everything else may be otherwise in a moment. */
function faultOf(name: string, cause: unknown): unknown {
  if ((cause as { readonly code?: unknown }).code === "log.misconfigured") return cause;
  const isNotEnabled = cause instanceof Error && cause.name === "JetStreamNotEnabled";
  const isRefused = cause instanceof JetStreamApiError && cause.status !== 503;
  if (!isNotEnabled && !isRefused) return logFaults.unavailable(undefined, { cause });
  return logFaults.misconfigured({ reason: `the stream "${name}": ${cause.message}` }, { cause });
}

const text = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value));
