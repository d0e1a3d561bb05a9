import { busConformance } from "@banyan/conformance/bus";
import { createTcpBus, type TcpBusOptions } from "../src/index.ts";
import { Authority } from "./certificates.ts";
import { freePort, Network } from "./network.ts";

busConformance("TCP", () => fixture({}));
busConformance("TCP with mutual TLS", () => {
  const authority = new Authority("Banyan test");
  return fixture({ tls: authority.files(["probe"]) });
});

/** The first node is the seed of all; each comes in through a network, so that ways can be cut. */
async function fixture(options: TcpBusOptions) {
  const ports = await Promise.all(Array.from({ length: 200 }, freePort));
  const networks = new Map<string, Network>();
  const takePort = () => ports.pop() ?? 0;
  const seeds = [`127.0.0.1:${takePort()}`];
  const seed = createTcpBus({ ...options, listen: seeds[0] ?? "" });
  await seed.open({
    id: "seed",
    receiver: { received() {}, lost() {}, writable() {}, refused() {} },
    signal: AbortSignal.timeout(5_000),
  });
  return {
    createBus: () => {
      const [from, to] = [takePort(), takePort()];
      const advertise = `127.0.0.1:${from}`;
      networks.set(advertise, new Network({ from, to }));
      return createTcpBus({ ...options, listen: `127.0.0.1:${to}`, advertise, seeds });
    },
    interrupt: (...nodes: { address: string }[]) => {
      for (const { address } of nodes) networks.get(address)?.cut();
    },
    close: async () => {
      await seed.close({ deadlineMs: 100 });
      for (const network of networks.values()) network.close();
    },
  };
}
