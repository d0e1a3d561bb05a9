import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { App } from "@banyan/kernel/app";
import type { Bus } from "@banyan/kernel/bus";
import { usageFailure } from "../failure.ts";
import type { Openings } from "../process/openings.ts";
import type { DataFolder } from "../project/data-folder.ts";
import type { Environment } from "../project/environment.ts";
import { holdsSocket } from "../project/socket-path.ts";

/**
 * A folder for the sockets of one machine's processes, which only this user may enter: in the data folder, where a killed supervisor's is
 * found again and cleared, unless the sockets' paths would be too long there. `nodes` are the names that they will have.
 */
export function createSocketFolder(data: DataFolder, nodes: readonly string[], openings: Openings): string {
  const own = join(data.path, "sockets");
  const fits = nodes.every((node) => holdsSocket(socketIn(own, node)));
  const folder = fits ? emptied(own) : mkdtempSync(join(tmpdir(), "banyan-"));
  openings.defer("sockets", async () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Of what a process has left behind that was killed; the caller knows that none is alive. */
function emptied(folder: string): string {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

function socketIn(folder: string, node: string): string {
  return join(folder, `${node}.sock`);
}

/** How a node reaches the others. */
export interface NodeBus {
  readonly bus: Bus;
  /** Answers the broker's own tools what runs here, until the answered function is called. */
  readonly introduce?: (app: App, version: string) => () => Promise<void>;
}

/**
 * On tcp://, where the processes of one machine listen: their supervisor as BANYAN_LISTEN says, or at the first seed, so that a seed is
 * there; the others at any port of the same address, which they announce. Nothing on other buses.
 */
export function listensOf({ BANYAN_BUS = "", BANYAN_LISTEN }: Pick<Environment, "BANYAN_BUS" | "BANYAN_LISTEN">) {
  const scheme = "tcp://";
  if (!BANYAN_BUS.startsWith(scheme)) return undefined;
  const [seed = ""] = BANYAN_BUS.slice(scheme.length).split(",");
  const supervisor = BANYAN_LISTEN ?? seed;
  return { supervisor, others: supervisor.replace(/:\d+$/, ":0") };
}

/** The node that relays topics between the processes of one machine. */
export const supervisorNode = "supervisor";

/**
 * The bus that BANYAN_BUS names: "nats://…", "redis://…", "tcp://seed:4100,other:4100" with BANYAN_LISTEN, or "unix:/folder", by which a
 * supervisor binds its processes together. Not open yet. Throws a usage failure for anything else.
 */
export async function busOf(environment: Environment, node: string): Promise<NodeBus> {
  const { BANYAN_BUS: url = "", BANYAN_LISTEN: listen, BANYAN_NAMESPACE: namespace } = environment;
  const broker = { url, ...(namespace !== undefined && { namespace }) };
  const scheme = url.slice(0, url.indexOf(":"));
  switch (scheme) {
    case "unix": {
      const { createTcpBus } = await import("@banyan/bus-tcp");
      const socket = (name: string) => `unix:${socketIn(url.slice("unix:".length), name)}`;
      return { bus: createTcpBus({ listen: socket(node), seeds: [socket(supervisorNode)] }) };
    }
    case "tcp": {
      const { createTcpBus } = await import("@banyan/bus-tcp");
      const { BANYAN_TLS_CA: ca, BANYAN_TLS_CERT: cert, BANYAN_TLS_KEY: key } = environment;
      const tls = ca !== undefined && cert !== undefined && key !== undefined ? { ca, cert, key } : undefined;
      const seeds = url.slice("tcp://".length).split(",");
      return { bus: createTcpBus({ listen: listen ?? "127.0.0.1:0", seeds, ...(tls && { tls }) }) };
    }
    case "nats":
    case "tls": {
      const { answerMicro, createNatsBus } = await import("@banyan/bus-nats");
      const bus = createNatsBus(broker);
      return { bus, introduce: (app, version) => answerMicro({ app, bus, version }) };
    }
    case "redis":
    case "rediss": {
      const { createRedisBus } = await import("@banyan/bus-redis");
      return { bus: createRedisBus(broker) };
    }
  }
  throw usageFailure(
    `BANYAN_BUS is ${url === "" ? "not set" : `"${url}"`}, and processes of one application need a bus.`,
    "Set it to nats://HOST, redis://HOST or tcp://SEED:PORT; `banyan start --topology split` brings its own.",
  );
}
