import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CertificateFiles } from "@banyan/bus-tcp";
import type { Bench } from "../rounds.ts";
import { peer, type Subject } from "../subject-process.ts";
import { type Transport, type Want, wanted } from "./transport.ts";

const ours = new URL("./ours.ts", import.meta.url);
const exchange = new URL("./exchange.ts", import.meta.url);

const rows: Want[] = [
  ["TCP, small, 64 in flight", "small rate", "tcp", "moleculer", 2.5],
  ["TCP, small, 64 in flight", "small rate", "tcp", "nest"],
  ["TCP, small, CPU", "small cpu", "tcp", "moleculer", 1 / 0.35],
  ["TCP, small, one at a time, p50", "small p50", "tcp", "moleculer", 1 / 0.75],
  ["TCP, small, one at a time, p50", "small p50", "awake", "moleculer", 1 / 0.5],
  ["TCP, small, without contracts", "small rate", "exchange", "moleculer"],
  ["TCP, small, without contracts, CPU", "small cpu", "exchange", "moleculer"],
  ["TCP, small, JSON, 64 in flight", "small rate", "json", "moleculer"],
  ["TCP, small, JSON, one at a time, p50", "small p50", "json", "moleculer"],
  ["TCP, 10 KB, 64 in flight", "large rate", "tcp", "nest", 1.2],
  ["TCP, 10 KB, JSON, 64 in flight", "large rate", "json", "nest"],
  ["TCP, 10 KB, CPU", "large cpu", "tcp", "nest"],
  ["TCP, 10 KB, one at a time, p50", "large p50", "tcp", "nest"],
  ["mTLS, small, one at a time, p50", "small p50", "mtls", "tcp", 1 / 1.5],
  ["mTLS, small, 64 in flight", "small rate", "mtls", "tcp"],
];

/** From node to node, without a broker. */
export const tcp: Transport = {
  prepare: async (bench) => {
    const folder = mkdtempSync(join(tmpdir(), "banyan-bench-tls-"));
    const bus = { tcp: { listen: "127.0.0.1:0" } };
    const nestPort = await freePort();
    const subjects: Subject[] = [
      { id: "tcp", name: "ours", module: ours, options: { bus } },
      { id: "moleculer", name: "Moleculer over TCP", module: peer("bus/moleculer"), options: await moleculerPorts() },
      {
        id: "awake",
        name: "ours, awake for 100 us",
        module: ours,
        options: { bus: { tcp: { ...bus.tcp, stayAwakeUs: 100 } } },
      },
      { id: "exchange", name: "ours, without contracts", module: exchange, options: { bus } },
      { id: "json", name: "ours, JSON", module: ours, options: { bus, json: true } },
      { id: "nest", name: "NestJS over TCP", module: peer("bus/nest"), options: { transport: "tcp", port: nestPort } },
    ];
    const tls = certificates(folder, bench);
    if (tls !== undefined) {
      subjects.push({ id: "mtls", name: "ours, mTLS", module: ours, options: { bus: { tcp: { ...bus.tcp, tls } } } });
    }
    return { subjects, close: () => rmSync(folder, { recursive: true }) };
  },
  wanted: wanted(rows),
};

/** Moleculer's nodes find each other by a list of all; port 0 is not among what it takes. */
async function moleculerPorts() {
  return { transport: "tcp", ports: { callee: await freePort(), caller: await freePort() } };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** One certificate for both sides, made by openssl; without it the rows with TLS are left out by name. */
function certificates(folder: string, bench: Bench): CertificateFiles | undefined {
  const files = { ca: join(folder, "ca.pem"), cert: join(folder, "ca.pem"), key: join(folder, "key.pem") };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const name = ["-subj", "/CN=bench", "-addext", "subjectAltName=URI:banyan://service/bench"];
  const { status } = spawnSync("openssl", [
    "req",
    "-x509",
    ...curve,
    ...name,
    "-days",
    "2",
    "-keyout",
    files.key,
    "-out",
    files.cert,
  ]);
  if (status === 0) return files;
  bench.progress("without the openssl command there are no certificates, and no rows with mTLS");
  return undefined;
}
