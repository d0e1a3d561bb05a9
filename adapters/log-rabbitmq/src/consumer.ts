import { setTimeout as delay } from "node:timers/promises";
import { type LogConsumer, logFaults, type Receipt } from "@banyan/kernel/log";
import type { Link } from "./link.ts";
import { type Handle, Session } from "./session.ts";
import type { Membership } from "./topology.ts";

const retryMs = 250;

/** One session after the other, for as long as it is not closed. */
export class Consumer implements LogConsumer {
  private readonly link: Link;
  private readonly membership: Membership;
  private readonly onClose: () => void;
  private session: Session | null = null;
  private readonly closing = new AbortController();
  private over: Promise<void> = Promise.resolve();

  constructor({ link, onClose, ...membership }: Membership & { readonly link: Link; readonly onClose: () => void }) {
    this.link = link;
    this.membership = membership;
    this.onClose = onClose;
  }

  get group(): string {
    return this.membership.group.name;
  }

  get unacknowledged(): number {
    return this.session?.unacknowledged ?? 0;
  }

  /** Raises what keeps the first session from beginning. */
  async open(): Promise<void> {
    const first = await this.begin();
    this.over = this.run(first);
  }

  acknowledge(messages: readonly Receipt[]): void {
    const { session } = this;
    const handles = messages.map(({ receipt }) => receipt as Handle).filter((handle) => handle.session === session);
    if (handles.length > 0) session?.acknowledge(handles);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.session?.close();
    await this.over;
    this.onClose();
  }

  private async begin(): Promise<Session> {
    const connection = await this.link.connection();
    const session = await Session.open(connection, this.membership);
    this.session = session;
    return session;
  }

  private async run(first: Session): Promise<void> {
    const { signal } = this.closing;
    let session: Session | null = first;
    while (!signal.aborted) {
      const cause = await session?.ended;
      this.session = null;
      if (signal.aborted) return;
      if (cause !== undefined) this.membership.receiver.lost(logFaults.unavailable(undefined, { cause }));
      session = await delay(retryMs, undefined, { signal })
        .then(() => this.begin())
        .catch(() => null);
      if (signal.aborted) await session?.close();
    }
  }
}
