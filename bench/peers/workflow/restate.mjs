import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http2";
import { createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { endpoint, service } from "@restatedev/restate-sdk";
import { connect } from "@restatedev/restate-sdk-clients";
import { trackDeliveries } from "../../src/delivery/deliveries.ts";

const host = "127.0.0.1";

/** Restate's server in a folder of its own, with the defaults of its package; the handler and its caller are this process. */
export async function open({ folder }) {
  const deliveries = trackDeliveries();
  const one = (ctx, message) => ctx.run("step", () => message);
  const handler = endpoint()
    .bind(service({ name: "bench", handlers: { one } }))
    .setLogger(() => {})
    .http2Handler();
  const serving = createServer(handler).listen(0, host);
  await once(serving, "listening");
  const { ingress, admin } = await startServer(folder);
  await deploy(admin, `http://${host}:${serving.address().port}`);
  const client = connect({ url: ingress }).serviceClient({ name: "bench" });
  return deliveries.methods(async (message) => deliveries.done(await client.one(message)));
}

async function startServer(folder) {
  const [ingress, admin, fabric] = await freePorts(3);
  const program = fileURLToPath(
    import.meta.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`),
  );
  const base = mkdtempSync(join(folder, "restate-"));
  const env = {
    RESTATE_INGRESS__BIND_PORT: ingress,
    RESTATE_ADMIN__BIND_PORT: admin,
    RESTATE_BIND_PORT: fabric,
    RESTATE_BIND_IP: host,
    RESTATE_LISTEN_MODE: "tcp",
    RESTATE_DISABLE_TELEMETRY: "true",
    RESTATE_LOG_FILTER: "error",
  };
  const child = spawn(program, ["--no-logo", "--base-dir", base], { env: { ...process.env, ...env }, stdio: "ignore" });
  child.once("error", (error) => {
    throw new Error(`Restate's server cannot run here: ${error.message}`);
  });
  process.once("exit", () => {
    child.kill("SIGKILL");
    rmSync(base, { recursive: true, force: true, maxRetries: 5 });
  });
  return { ingress: `http://${host}:${ingress}`, admin: `http://${host}:${admin}` };
}

/** Tells the server where the handler is, as soon as it listens. */
async function deploy(admin, uri) {
  const headers = { "content-type": "application/json" };
  for (let tries = 1; ; tries++) {
    try {
      const answer = await fetch(`${admin}/deployments`, { method: "POST", headers, body: JSON.stringify({ uri }) });
      if (answer.ok) return;
      throw new Error(`Restate's server answered ${answer.status}: ${await answer.text()}`);
    } catch (error) {
      if (tries === 200) throw error;
      await delay(100);
    }
  }
}

/** At one time, so that they differ. */
async function freePorts(count) {
  const holding = Array.from({ length: count }, () => createSocketServer().listen(0, host));
  await Promise.all(holding.map((server) => once(server, "listening")));
  const ports = holding.map((server) => String(server.address().port));
  await Promise.all(holding.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}
