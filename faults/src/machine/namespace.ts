import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { undoneAtExit } from "./leftovers.ts";

const run = promisify(execFile);

export type Direction = "out" | "in" | "both";

/**
 * A network of one process's own: its loopback leads by a cable (veth) to ours, and the cable can be cut in one direction. Unlike a proxy
 * this drops packets: neither kernel hears of it, each sends again, and connections go on where they were when it is mended.
 */
export class Namespace {
  readonly name: string;
  /** Our end of the cable; what listens here at a port is at 127.0.0.1 and that port for the process. */
  readonly host: string;
  private readonly cable: string;
  private readonly forget = undoneAtExit(() => this.close());

  private constructor(name: string, host: string, cable: string) {
    this.name = name;
    this.host = host;
    this.cable = cable;
  }

  /** `place` tells those of one run apart; runs of other processes have other addresses. */
  static async create(place: number): Promise<Namespace> {
    const number = ((process.pid % 8_192) * 2 + place) % 16_384;
    const subnet = `10.213.${number >> 6}`;
    const first = (number & 63) * 4;
    const [near, far] = [`bf${process.pid}h${place}`, `bf${process.pid}n${place}`];
    const namespace = new Namespace(`banyan-faults-${process.pid}-${place}`, `${subnet}.${first + 1}`, far);
    const { name, host } = namespace;
    await run("ip", ["netns", "add", name]);
    try {
      await run("ip", ["link", "add", near, "type", "veth", "peer", "name", far, "netns", name]);
      await run("ip", ["address", "add", `${host}/30`, "dev", near]);
      await run("ip", ["link", "set", near, "up"]);
      await run("ip", ["-n", name, "address", "add", `${subnet}.${first + 2}/30`, "dev", far]);
      for (const link of [far, "lo"]) await run("ip", ["-n", name, "link", "set", link, "up"]);
      await namespace.inside("sh", "-c", "echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet");
      await namespace.inside("nft", wayOut(far, host));
      return namespace;
    } catch (error) {
      namespace.close();
      throw error;
    }
  }

  /** What leads a program into it: put before its command line. */
  get entrance(): readonly string[] {
    return ["ip", "netns", "exec", this.name];
  }

  async cut(direction: Direction): Promise<void> {
    if (direction !== "in") await this.inside("nft", `add rule inet faults out oifname ${this.cable} drop`);
    if (direction !== "out") await this.inside("nft", `add rule inet faults in iifname ${this.cable} drop`);
  }

  async mend(): Promise<void> {
    await this.inside("nft", "flush table inet faults");
  }

  /** The cable goes with it. */
  close(): void {
    this.forget();
    execFileSync("ip", ["netns", "delete", this.name]);
  }

  private async inside(...command: string[]): Promise<void> {
    await run("ip", ["netns", "exec", this.name, ...command]);
  }
}

function wayOut(cable: string, host: string): string {
  return `
    table inet faults {
      chain out { type filter hook output priority 0; }
      chain in { type filter hook input priority 0; }
    }
    table ip way {
      chain out { type nat hook output priority -100; ip daddr 127.0.0.1 dnat to ${host}; }
      chain after { type nat hook postrouting priority 100; oifname ${cable} masquerade; }
    }`;
}
