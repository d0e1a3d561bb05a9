import { msgpackCodec } from "@banyan/codec-msgpack";
import { systemIdentity } from "@banyan/kernel";
import { systemClock } from "@banyan/kernel/app";
import { Deadlines, Exchange, Scope } from "@banyan/kernel/bus";
import { type BusChoice, createBus } from "./buses.ts";
import { calleeMethods, echoCaller, type Role } from "./echo.ts";

const ACTION = "bench.echo";
const BUDGET_MS = 5_000;

/** Ours below contracts: what the exchange and its bus cost, without validation, balancing and retries. */
export async function open({
  role,
  address = "",
  bus: choice,
  records = false,
}: Role & { bus: BusChoice; records?: boolean }) {
  const bus = createBus(choice, []);
  const serve = async ({ input }: { input: unknown }) => input;
  const exchange = new Exchange({ bus, id: role, actions: [ACTION], serve, codecs: records ? [msgpackCodec] : [] });
  await exchange.open(AbortSignal.timeout(10_000));
  if (role === "callee") return calleeMethods(() => bus.address);
  const deadlines = new Deadlines(systemClock);
  const callee = { id: "callee", address };
  return echoCaller(async (input) => {
    const scope = new Scope(systemClock, BUDGET_MS, ACTION);
    deadlines.watch(scope);
    try {
      return await exchange.request(callee, { action: 0, name: ACTION, input, scope, identity: systemIdentity });
    } finally {
      deadlines.unwatch(scope);
    }
  });
}
