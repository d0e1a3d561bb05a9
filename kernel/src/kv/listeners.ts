type Listener = (message: string) => void;

/** Who listens to which channel in this process. */
export class Listeners {
  private readonly byChannel = new Map<string, Set<Listener>>();

  /** Those that somebody listens to. */
  get channels(): string[] {
    return [...this.byChannel.keys()];
  }

  /** Answers what ends it, and says whether nobody listens to the channel any more. Idempotent. */
  add(channel: string, listener: Listener): () => boolean {
    const listeners = this.byChannel.get(channel) ?? new Set();
    this.byChannel.set(channel, listeners);
    // Each who subscribes has a listener of its own, though it be the same function.
    const own: Listener = (message) => listener(message);
    listeners.add(own);
    return () => listeners.delete(own) && listeners.size === 0 && this.byChannel.delete(channel);
  }

  hear(channel: string, message: string): void {
    for (const listener of this.byChannel.get(channel) ?? []) listener(message);
  }
}
