import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "./random.ts";

/** What the network does. */
export type Weather =
  | { readonly kind: "clear" }
  /** Everything comes so much later, in pieces. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** What is sent goes nowhere, in one direction or both, and nobody is told. */
  | { readonly kind: "silent"; readonly direction: "to" | "from" | "both" }
  /** Each write may be the last of its connection. */
  | { readonly kind: "resets"; readonly probability: number };

/** A way to a server that can be made bad: TCP, in this process, by a seed. */
export class TcpProxy {
  private readonly servers: Server[] = [];
  private readonly target: { readonly host: string; readonly port: number };
  private readonly random: Random;
  private readonly sockets = new Set<Socket>();
  private weather: Weather = { kind: "clear" };

  private constructor(target: TcpProxy["target"], random: Random) {
    this.target = target;
    this.random = random;
  }

  static async to(target: TcpProxy["target"], random: Random): Promise<TcpProxy> {
    const proxy = new TcpProxy(target, random);
    await proxy.listen({ host: "127.0.0.1", port: 0 });
    return proxy;
  }

  get port(): number {
    const [first] = this.servers as [Server];
    return (first.address() as AddressInfo).port;
  }

  /** There, too. */
  async listen(address: { readonly host: string; readonly port: number }): Promise<void> {
    const server = createServer({ pauseOnConnect: true }).listen(address.port, address.host);
    await once(server, "listening");
    server.on("connection", (socket) => this.join(socket, connect({ ...this.target, noDelay: true })));
    this.servers.push(server);
  }

  /** The weather from now on. Connections that were silent are cut when it clears: what went nowhere is gone. */
  set(weather: Weather): void {
    const wasSilent = this.weather.kind === "silent";
    this.weather = weather;
    if (wasSilent && weather.kind === "clear") this.cut();
  }

  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    await Promise.all(this.servers.map((server) => once(server.close(), "close")));
  }

  private join(near: Socket, far: Socket): void {
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.once("close", () => {
        this.sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.setNoDelay(true);
    this.pass(near, far, "to");
    this.pass(far, near, "from");
    near.resume();
  }

  private pass(source: Socket, sink: Socket, direction: "to" | "from"): void {
    source.on("data", (chunk) => {
      const { weather } = this;
      switch (weather.kind) {
        case "silent":
          if (weather.direction === "both" || weather.direction === direction) return;
          break;
        case "resets":
          if (this.random() < weather.probability) {
            // Some of it may have arrived.
            sink.write(chunk.subarray(0, Math.floor(this.random() * chunk.length)));
            setTimeout(() => source.resetAndDestroy(), 1);
            return;
          }
          break;
        case "slow": {
          const half = Math.ceil(chunk.length / 2);
          setTimeout(() => sink.write(chunk.subarray(0, half)), weather.delayMs);
          setTimeout(() => sink.write(chunk.subarray(half)), weather.delayMs);
          return;
        }
      }
      if (!sink.write(chunk)) {
        source.pause();
        sink.once("drain", () => source.resume());
      }
    });
    source.on("end", () => sink.end());
  }
}
