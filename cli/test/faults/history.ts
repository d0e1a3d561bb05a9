import { readFileSync } from "node:fs";
import { open } from "node:fs/promises";

/** What the client knows of one request: it was sent, it was acknowledged, or nobody can tell. */
export interface Entry {
  readonly op: "invoked" | "ok" | "unknown";
  readonly reference: string;
  /** That the acknowledgement named. */
  readonly id?: string;
}

export interface History {
  /** Resolves once the lines are on disk; those that come together share one fsync. */
  record(entries: readonly Entry[]): Promise<void>;
  /** Reads the file back, as a judge who saw nothing else. */
  read(): Entry[];
  close(): Promise<void>;
}

/** The client's own account of what it did, kept where no fault of the server can reach it. */
export async function openHistory(path: string): Promise<History> {
  const file = await open(path, "a");
  let waiting: { readonly text: string; readonly written: PromiseWithResolvers<void> }[] = [];
  let writing = false;
  const write = async () => {
    writing = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await file.appendFile(batch.map(({ text }) => text).join(""));
        await file.datasync();
        for (const { written } of batch) written.resolve();
      } catch (error) {
        for (const { written } of batch) written.reject(error);
      }
    }
    writing = false;
  };
  return {
    record(entries) {
      const written = Promise.withResolvers<void>();
      waiting.push({ text: entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""), written });
      if (!writing) void write();
      return written.promise;
    },
    read: () =>
      readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as Entry),
    close: () => file.close(),
  };
}
