import { ServiceBroker } from "moleculer";
import { calleeMethods, echoCaller } from "../../src/bus/echo.ts";

/** `transport` "tcp" with the ports of both, or the URL of a broker. */
export async function open({ role, transport, ports }) {
  const transporter = transport === "tcp" ? overTcp(ports) : transport;
  const broker = new ServiceBroker({ nodeID: role, logger: false, transporter });
  if (role === "callee") {
    broker.createService({ name: "bench", actions: { echo: async ({ params }) => params } });
    await broker.start();
    return calleeMethods(() => "");
  }
  await broker.start();
  await broker.waitForServices("bench", 15_000);
  return echoCaller((payload) => broker.call("bench.echo", payload));
}

function overTcp({ callee, caller }) {
  const urls = [`127.0.0.1:${callee}/callee`, `127.0.0.1:${caller}/caller`];
  return { type: "TCP", options: { udpDiscovery: false, urls } };
}
