import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { startNode, type TestNode } from "./node.ts";

/** Stands before a port and, as a network does, can cut and can stop moving bytes. */
export class Network {
  readonly #server: Server;
  readonly #pairs: { near: Socket; far: Socket }[] = [];

  constructor(ports: { readonly from: number; readonly to: number }) {
    this.#server = createServer({ pauseOnConnect: true }, (near) => {
      const far = connect({ port: ports.to, host: "127.0.0.1" });
      near.on("error", () => {}).on("close", () => far.destroy());
      far.on("error", () => {}).on("close", () => near.destroy());
      near.pipe(far).pipe(near);
      this.#pairs.push({ near, far });
    });
    this.#server.listen(ports.from, "127.0.0.1");
  }

  cut(): void {
    for (const { near } of this.#pairs.splice(0)) near.destroy();
  }

  pause(): void {
    for (const { near, far } of this.#pairs) near.unpipe(far);
  }

  resume(): void {
    for (const { near, far } of this.#pairs) near.pipe(far);
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

/** A node whose connections come in through a network. */
export async function startNodeBehindNetwork(): Promise<{ node: TestNode; network: Network }> {
  const [from, to] = [await freePort(), await freePort()];
  const network = new Network({ from, to });
  onTestFinished(() => network.close());
  const node = await startNode({ listen: `127.0.0.1:${to}`, advertise: `127.0.0.1:${from}` });
  return { node, network };
}

/** Nobody listens there now, and nobody else is likely to. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
