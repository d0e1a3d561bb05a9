import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import type { TcpBusOptions } from "../src/index.ts";
import { startNode, type TestNode } from "./node.ts";

export interface Proxy {
  cut(): void;
  pause(): void;
  resume(): void;
}

/** A node whose connections come in through something that, as a network does, can cut and can stop moving bytes. */
export async function startNodeBehindProxy(options: TcpBusOptions = {}): Promise<{ node: TestNode; proxy: Proxy }> {
  const pairs: { near: Socket; far: Socket }[] = [];
  const port = await freePort();
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const far = connect({ port, host: "127.0.0.1" });
    near.on("error", () => {}).on("close", () => far.destroy());
    far.on("error", () => {}).on("close", () => near.destroy());
    near.pipe(far).pipe(near);
    pairs.push({ near, far });
  });
  const advertise = `127.0.0.1:${await listen(server)}`;
  onTestFinished(() => {
    server.close();
    for (const { near } of pairs) near.destroy();
  });
  const node = await startNode({ ...options, listen: `127.0.0.1:${port}`, advertise });
  const proxy: Proxy = {
    cut: () => {
      for (const { near } of pairs.splice(0)) near.destroy();
    },
    pause: () => {
      for (const { near, far } of pairs) near.unpipe(far);
    },
    resume: () => {
      for (const { near, far } of pairs) near.pipe(far);
    },
  };
  return { node, proxy };
}

/** Nobody listens there now, and nobody else is likely to. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  server.close();
  await once(server, "close");
  return port;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}
