import type { NewJob } from "../store/jobs.ts";

/** Where a process gets its jobs from. */
export interface JobSource {
  /** Nothing is being asked for. */
  readonly isIdle: boolean;
  /** Jobs were committed here. */
  offer(jobs: readonly NewJob[]): void;
  /** Something may be free. */
  wake(): void;
  /** Asks for no more. */
  stop(): Promise<void>;
}

/** What a process asks for. */
export interface SourceOptions {
  readonly types: readonly string[];
  /** Those whose runs are limited in number. */
  readonly limited: ReadonlySet<string>;
  readonly concurrency: number;
  readonly lease: { readonly ms: number; readonly owner: string };
}
