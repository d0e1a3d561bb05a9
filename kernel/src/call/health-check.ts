/** One thing that must work for calls to work. */
export interface HealthCheck {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** Told, and not counted: this process does its part without it, and taking it out of service would help nobody. */
  readonly advisory?: boolean;
}

/** A server outside this process that an adapter stands on. */
export interface OutsideServer {
  /** As people call it: "NATS", "Redis". */
  readonly name: string;
  /** Resolves when it has answered; rejects with why not. Whoever asks waits as long as it likes. */
  ping(): Promise<unknown>;
}
