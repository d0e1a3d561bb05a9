import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** What lies between a client and a server of a test, and can be cut or held up there. */
export class TestProxy {
  readonly port: number;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private isHeldUp = false;
  private isAway = false;

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** In front of what listens on a port of this machine. */
  static async before(port: number): Promise<TestProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new TestProxy(server);
    server.on("connection", (near) => {
      if (proxy.isAway) near.resetAndDestroy();
      else proxy.join(near, connect(port, "127.0.0.1"));
    });
    return proxy;
  }

  /** Ends every connection with a reset. New ones are let through. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Ends every connection with a reset, and each new one at once, until told otherwise: as when the server is not there. */
  away(isAway: boolean): void {
    this.isAway = isAway;
    if (isAway) this.cut();
  }

  /** Lets nothing through, and keeps what comes, until told to go on: as when the server's process is stopped. */
  holdUp(isHeldUp: boolean): void {
    this.isHeldUp = isHeldUp;
    for (const socket of this.sockets) this.let(socket);
  }

  close(): void {
    this.server.close();
    this.cut();
  }

  private join(near: Socket, far: Socket): void {
    const pair = [near, far] as const;
    for (const socket of pair) {
      this.sockets.add(socket);
      const other = socket === near ? far : near;
      socket.on("data", (bytes) => {
        if (!other.write(bytes)) socket.pause();
      });
      other.on("drain", () => this.let(socket));
      socket.on("error", () => {});
      socket.on("close", () => {
        this.sockets.delete(socket);
        other.destroy();
      });
      this.let(socket);
    }
  }

  private let(socket: Socket): void {
    if (this.isHeldUp) socket.pause();
    else socket.resume();
  }
}
