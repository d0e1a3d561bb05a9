import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** What the client knows of an operation: it was sent, it was acknowledged, or nobody can tell. */
export interface Entry {
  readonly op: "invoked" | "ok";
  readonly id: string;
}

const syncMs = 20;

/** The client's own account of what it did, in a file where no fault of a server can reach it. */
export class History {
  private readonly file: number;
  private readonly path: string;
  private waiting: { readonly line: string; readonly written: () => void }[] = [];
  private timer: NodeJS.Timeout | null = null;

  constructor(path: string) {
    this.path = path;
    // Emptied: a round that was interrupted begins anew.
    this.file = openSync(path, "w");
  }

  /** Resolves once the entry is on disk; those of 20 ms share one sync. */
  record(entry: Entry): Promise<void> {
    return new Promise((written) => {
      this.waiting.push({ line: `${JSON.stringify(entry)}\n`, written });
      this.timer ??= setTimeout(() => this.write(), syncMs);
    });
  }

  /** Reads the file, as a judge who saw nothing else. */
  read(): Entry[] {
    this.write();
    const lines = readFileSync(this.path, "utf8").split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line) as Entry);
  }

  close(): void {
    this.write();
    closeSync(this.file);
  }

  private write(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const batch = this.waiting.splice(0);
    if (batch.length === 0) return;
    writeSync(this.file, batch.map(({ line }) => line).join(""));
    fdatasyncSync(this.file);
    for (const { written } of batch) written();
  }
}
