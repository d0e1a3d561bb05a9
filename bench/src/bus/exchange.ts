import { systemClock, systemIdentity } from "@banyan/kernel/app";
import { type ByteStream, Deadlines, Exchange, type Incoming, type OutgoingCall, Scope } from "@banyan/kernel/bus";
import { besideStream, bulk } from "./beside.ts";
import { type BusChoice, createBus } from "./buses.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

const ACTION = "bench.echo";
const BUDGET_MS = 5_000;
const READ_BYTES = 65_536;

/** Ours below contracts: what the exchange and its bus cost, without validation, balancing and retries. */
export async function open(options: Role & { bus: BusChoice; inPieces?: boolean }) {
  const { role, address = "", inPieces = false } = options;
  const bus = createBus(options.bus, []);
  const readAll = inPieces ? readPieces : readInto;
  const serve = async ({ input, stream }: Incoming) => (stream === undefined ? input : await readAll(stream));
  const exchange = new Exchange({ bus, id: role, actions: [ACTION], serve });
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
  return { ...echoCaller(echo), besideStream: (durationMs: number) => besideStream({ echo, upload }, durationMs) };
}

async function readPieces({ received }: ByteStream): Promise<number> {
  let bytes = 0;
  for await (const piece of received) bytes += piece.length;
  return bytes;
}

async function readInto(stream: ByteStream): Promise<number> {
  const buffer = Buffer.allocUnsafeSlow(READ_BYTES);
  let bytes = 0;
  for (let more = await stream.read(buffer); more > 0; more = await stream.read(buffer)) bytes += more;
  return bytes;
}

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
