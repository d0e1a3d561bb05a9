import { msgpackCodec } from "@banyan/codec-msgpack";
import { systemIdentity } from "@banyan/kernel";
import { systemClock } from "@banyan/kernel/app";
import { Deadlines, Exchange, type Incoming, type OutgoingCall, Scope } from "@banyan/kernel/bus";
import { percentile } from "../row.ts";
import { type BusChoice, createBus } from "./buses.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

const ACTION = "bench.echo";
const BUDGET_MS = 5_000;
const UPLOAD_BYTES = 10_000_000;

/** Ours below contracts: what the exchange and its bus cost, without validation, balancing and retries. */
export async function open(options: Role & { bus: BusChoice; records?: boolean }) {
  const { role, address = "", records = false } = options;
  const bus = createBus(options.bus, []);
  const exchange = new Exchange({ bus, id: role, actions: [ACTION], serve, codecs: records ? [msgpackCodec] : [] });
  await exchange.open(AbortSignal.timeout(10_000));
  if (role === "callee") return calleeMethods(() => bus.address);
  const callee = { id: "callee", address };
  const echo = (input: unknown) => timed((call) => exchange.request(callee, call), input);
  const upload = () =>
    timed(async (call) => {
      const { stream, answer } = await exchange.stream(callee, call);
      await stream.write(bulk);
      stream.end();
      return await answer;
    }, null);
  return { ...echoCaller(echo), besideStream: (durationMs: number) => besideStream({ echo, upload, durationMs }) };
}

/** Gives back what it gets; of a stream, how much it was. */
async function serve({ input, stream }: Incoming): Promise<unknown> {
  if (stream === undefined) return input;
  let bytes = 0;
  for await (const piece of stream.received) bytes += piece.length;
  return bytes;
}

const bulk = Buffer.alloc(UPLOAD_BYTES, "banyan");
const deadlines = new Deadlines(systemClock);

async function timed(send: (call: OutgoingCall) => Promise<unknown>, input: unknown): Promise<unknown> {
  const scope = new Scope(systemClock, BUDGET_MS, ACTION);
  deadlines.watch(scope);
  try {
    return await send({ action: 0, name: ACTION, input, scope, identity: systemIdentity });
  } finally {
    deadlines.unwatch(scope);
  }
}

interface BesideStream {
  readonly echo: (input: unknown) => Promise<unknown>;
  readonly upload: () => Promise<unknown>;
  readonly durationMs: number;
}

/** One upload after the other, and beside them small calls, one at a time. */
async function besideStream({ echo, upload, durationMs }: BesideStream) {
  const startedMs = performance.now();
  let uploads = 0;
  let isUploading = true;
  const uploading = (async () => {
    while (performance.now() - startedMs < durationMs) {
      if ((await upload()) !== UPLOAD_BYTES) throw new Error("the callee did not get all of the stream");
      uploads++;
    }
    isUploading = false;
    return (uploads * UPLOAD_BYTES) / 1_000 / (performance.now() - startedMs);
  })();
  const tookMs: number[] = [];
  while (isUploading) {
    const began = performance.now();
    await echo({ a: 1, b: 2 });
    tookMs.push(performance.now() - began);
  }
  return { "MB/s": await uploading, "p99 ms": percentile(tookMs, 0.99) };
}
