import type { ConsumeOptions } from "@banyan/kernel/log";
import type { Server } from "./server.ts";

/** Where a group stands: the entry up to which everything is acknowledged, and its number among all that were ever added, if that is known. */
export interface Place {
  readonly id: string;
  readonly number: number | null;
}

/** A group as XINFO GROUPS tells of it. */
export interface GroupInfo extends Place {
  readonly name: string;
  /** How many entries of any type are behind it, if Redis knows. */
  readonly behind: number | null;
}

/**
 * The groups' places. A group is one of Redis' own, whose last-delivered-id is what we say it is: read by XREAD, it has no
 * pending entries, so nothing is written for a delivery, and `XINFO GROUPS` shows the place. How many are acknowledged beyond
 * it is kept beside, in a hash.
 */
export class Groups {
  private readonly server: Server;
  private readonly stream: string;

  constructor(server: Server, stream: string) {
    this.server = server;
    this.stream = stream;
  }

  /** A group that is not there is made. */
  async place({ name, from }: Pick<ConsumeOptions, "name" | "from">): Promise<Place> {
    await this.server.ask(async (redis) => {
      try {
        await redis.xgroup("CREATE", this.stream, name, from === "latest" ? "$" : "0", "MKSTREAM");
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("BUSYGROUP")) throw error;
      }
    });
    const [groups, stream] = await Promise.all([
      this.all(),
      this.server.ask((redis) => redis.xinfo("STREAM", this.stream)),
    ]);
    const group = groups.find((each) => each.name === name) ?? { id: "0-0", number: null };
    if (group.number !== null) return group;
    const about = pairs(stream);
    const added = Number(about.get("entries-added"));
    if (group.id === "0-0") return { id: group.id, number: added - Number(about.get("length")) };
    return { id: group.id, number: group.id === about.get("last-generated-id") ? added : null };
  }

  /** None where the stream is not there. */
  async all(): Promise<readonly GroupInfo[]> {
    const groups = await this.server.ask((redis) =>
      redis.xinfo("GROUPS", this.stream).catch((error: Error) => {
        if (error.message.includes("no such key")) return [];
        throw error;
      }),
    );
    return (groups as unknown[]).map((group) => {
      const about = pairs(group);
      return {
        name: String(about.get("name")),
        id: String(about.get("last-delivered-id")),
        number: numberOf(about.get("entries-read")),
        behind: numberOf(about.get("lag")),
      };
    });
  }

  /** Raises what Redis has against it, a group that somebody has destroyed among others. */
  async move(name: string, { id, number }: Place, beyond: number): Promise<void> {
    const answers = await this.server.ask((redis) => {
      const transaction = redis.multi();
      if (number === null) transaction.xgroup("SETID", this.stream, name, id);
      else transaction.xgroup("SETID", this.stream, name, id, "ENTRIESREAD", number);
      return transaction.hset(this.beyondKey, name, beyond).exec();
    });
    const failure = answers?.find(([error]) => error)?.[0];
    if (failure) throw failure;
  }

  async beyond(name: string): Promise<number> {
    return Number(await this.server.ask((redis) => redis.hget(this.beyondKey, name)));
  }

  private get beyondKey(): string {
    return `${this.stream}:beyond`;
  }
}

/** A reply of names and values by turns. */
function pairs(reply: unknown): Map<string, unknown> {
  const flat = reply as unknown[];
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[String(name), flat[at + 1]] as const] : [])));
}

const numberOf = (value: unknown): number | null => (typeof value === "number" ? value : null);
