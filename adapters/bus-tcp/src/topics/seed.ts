import { setTimeout as delay } from "node:timers/promises";
import { backoffMs } from "../backoff.ts";
import type { Met } from "../dial.ts";
import { Refused } from "../refusal.ts";
import type { TopicHead } from "./topic-frame.ts";
import { TopicLink } from "./topic-link.ts";

export interface SeedOptions {
  readonly self: string;
  dial(signal: AbortSignal): Promise<Met>;
  /** What each new connection begins with: the subscriptions that there are. */
  greeting(): readonly Buffer[];
  received(head: TopicHead, message: Buffer): void;
  refused(error: Refused): void;
}

/** The connection to one seed, made again whenever it ends: a seed that restarts hears all subscriptions anew. */
export class Seed {
  readonly #options: SeedOptions;
  readonly #stop = new AbortController();
  #link: TopicLink | undefined;
  #isSelf = false;

  constructor(options: SeedOptions) {
    this.#options = options;
  }

  /** Settles after the first attempt: rejects where it failed, or met this node itself. It goes on in both cases. */
  start(): Promise<void> {
    const tried = Promise.withResolvers<void>();
    void this.#keep(tried);
    return tried.promise;
  }

  get state(): "there" | "away" | "self" {
    if (this.#isSelf) return "self";
    return this.#link === undefined ? "away" : "there";
  }

  /** Dropped while there is no connection. */
  send(frame: Buffer): void {
    this.#link?.send(frame);
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#link?.end();
  }

  destroy(): void {
    this.#link?.destroy();
  }

  async #keep(tried: PromiseWithResolvers<void>): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    let refusal: string | undefined;
    while (!signal.aborted) {
      try {
        const met = await this.#options.dial(signal);
        // A list of seeds is the same on every node, the seeds included.
        if (met.id === this.#options.self) {
          met.socket.destroy();
          this.#isSelf = true;
          tried.reject(new Error("the seed is this node"));
          return;
        }
        const closed = this.#use(met);
        tried.resolve();
        await closed;
        failures = 0;
        refusal = undefined;
      } catch (error) {
        // Said once, and again when the reason changes: it is tried every second.
        if (error instanceof Refused && error.reason !== refusal) this.#options.refused(error);
        refusal = error instanceof Refused ? error.reason : undefined;
        tried.reject(error);
      }
      await delay(backoffMs(failures++), undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** Resolves when the connection has ended. */
  #use({ socket, rest }: Met): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { received, refused, greeting } = this.#options;
    const link = new TopicLink(socket, {
      received,
      garbled: refused,
      closed: () => {
        if (this.#link === link) this.#link = undefined;
        resolve();
      },
    });
    this.#link = link;
    for (const frame of greeting()) link.send(frame);
    link.start(rest);
    return promise;
  }
}
