import { note } from "./terminal.ts";

export interface Progress {
  /** `done` of `total`, in whatever unit. */
  update(done: number, total: number): void;
  stop(): void;
}

const lineEveryMs = 5_000;

/** A bar on a terminal; a line each 5 s where there is none. Nothing at all when `quiet`. */
export async function startProgress(what: string, { quiet }: { readonly quiet: boolean }): Promise<Progress> {
  if (quiet) return { update() {}, stop() {} };
  return process.stderr.isTTY ? barProgress(what) : lineProgress(what);
}

async function barProgress(what: string): Promise<Progress> {
  const { progress } = await import("@clack/prompts");
  const max = 1_000;
  const bar = progress({ max, output: process.stderr });
  let shown = 0;
  bar.start(what);
  return {
    update(done, total) {
      const reached = total === 0 ? max : Math.floor((done / total) * max);
      bar.advance(reached - shown, `${what}  ${Math.floor(reached / 10)} %`);
      shown = reached;
    },
    stop: () => bar.stop(what),
  };
}

function lineProgress(what: string): Progress {
  let saidAt = Date.now();
  return {
    update(done, total) {
      if (Date.now() - saidAt < lineEveryMs) return;
      saidAt = Date.now();
      note(`${what} … ${total === 0 ? 100 : Math.floor((done / total) * 100)} %`);
    },
    stop() {},
  };
}
