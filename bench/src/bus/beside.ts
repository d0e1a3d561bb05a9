import { percentile } from "../row.ts";

/** What is sent again and again while small calls go beside it. */
export const bulk = Buffer.alloc(10_000_000, "banyan");

/** Both go to the same process, over one connection. */
export interface Beside {
  readonly echo: (input: object) => Promise<unknown>;
  /** Sends `bulk`; resolves to how many bytes of it were read there. */
  readonly upload: () => Promise<unknown>;
}

/** One upload after the other, and beside them small calls, one at a time. */
export async function besideStream({ echo, upload }: Beside, durationMs: number) {
  const startedMs = performance.now();
  let movedMb = 0;
  let isUploading = true;
  const uploading = (async () => {
    while (performance.now() - startedMs < durationMs) {
      if ((await upload()) !== bulk.length) throw new Error("the callee did not get all of the stream");
      movedMb += bulk.length / 1_000_000;
    }
    isUploading = false;
    return movedMb / ((performance.now() - startedMs) / 1_000);
  })();
  const tookMs: number[] = [];
  while (isUploading) {
    const began = performance.now();
    await echo({ a: 1, b: 2 });
    tookMs.push(performance.now() - began);
  }
  return { "MB/s": await uploading, "p99 ms": percentile(tookMs, 0.99), MB: movedMb };
}
