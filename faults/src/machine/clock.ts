import { renameSync, writeFileSync } from "node:fs";

/** The wall clock of one process, which libfaketime reads from a file each second; its monotonic clock goes on as it was. */
export class FakeClock {
  private readonly file: string;
  private readonly library: string;

  constructor(file: string, library: string) {
    this.file = file;
    this.library = library;
    this.set(0);
  }

  get environment(): Readonly<Record<string, string>> {
    return {
      LD_PRELOAD: this.library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_CACHE_DURATION: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** How many seconds it is ahead of the machine's. */
  set(aheadSeconds: number): void {
    // Whole or not at all: who reads half a number would jump elsewhere.
    writeFileSync(`${this.file}.next`, `${aheadSeconds < 0 ? "" : "+"}${aheadSeconds}\n`);
    renameSync(`${this.file}.next`, this.file);
  }
}
