import type { DatabaseTransaction } from "./database.ts";

/** How one process reaches the database. What a simulated world puts between them is slow, and breaks. */
export interface Wire {
  /**
   * Carries `work` to the server and its answer back. Raises `store.unavailable` where it has certainly done nothing, and
   * `store.uncertain` where it `mayCommit` and nobody knows; after either the connection is gone, and the server rolls back.
   */
  carry<T>(transaction: DatabaseTransaction, work: () => Promise<T>, mayCommit: boolean): Promise<T>;
  /** Brings a notification from the server to this process, or loses it. */
  notify(deliver: () => void): void;
}
