import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CertificateFiles } from "@banyan/bus-tcp";
import type { Bench } from "../rounds.ts";
import { peer, type Subject } from "../subject-process.ts";
import type { Transport } from "./pair.ts";

const ours = new URL("./exchange.ts", import.meta.url);
const listen = "127.0.0.1:0";

const rate = { unit: "calls/s", better: "larger" } as const;
const time = { unit: "us", better: "smaller" } as const;
const cpu = { unit: "us of CPU per call, both sides", better: "smaller" } as const;

/** From node to node, without a broker. */
export const tcp: Transport = {
  prepare: async (bench) => {
    const folder = mkdtempSync(join(tmpdir(), "banyan-bench-tls-"));
    const subjects: Subject[] = [
      { id: "tcp", name: "ours", module: ours, options: { bus: { tcp: { listen } } } },
      { id: "moleculer", name: "Moleculer over TCP", module: peer("bus/moleculer"), options: await moleculerPorts() },
      {
        id: "awake",
        name: "ours, stayAwakeUs: 100",
        module: ours,
        options: { bus: { tcp: { listen, stayAwakeUs: 100 } } },
      },
      {
        id: "nest",
        name: "NestJS over TCP",
        module: peer("bus/nest"),
        options: { transport: "tcp", port: await freePort() },
      },
    ];
    const tls = certificates(folder, bench);
    if (tls)
      subjects.push({ id: "mtls", name: "ours, mTLS", module: ours, options: { bus: { tcp: { listen, tls } } } });
    return { subjects, close: () => rmSync(folder, { recursive: true }) };
  },
  wanted: [
    { ...rate, row: "TCP, small, 64 in flight", metric: "small rate", ours: "tcp", peer: "moleculer", reach: 2.5 },
    { ...cpu, row: "TCP, small, CPU", metric: "small cpu", ours: "tcp", peer: "moleculer", reach: 1 / 0.35 },
    {
      ...time,
      row: "TCP, small, one at a time, p50",
      metric: "small p50",
      ours: "tcp",
      peer: "moleculer",
      reach: 1 / 0.75,
    },
    { ...time, row: "TCP, the same, staying awake", metric: "small p50", ours: "awake", peer: "moleculer", reach: 2 },
    { ...rate, row: "TCP, 10 KB, 64 in flight", metric: "large rate", ours: "records", peer: "nest", reach: 1.2 },
    { ...rate, row: "TCP, 10 KB, 64 in flight", metric: "large rate", ours: "tcp", peer: "moleculer" },
    { ...cpu, row: "TCP, 10 KB, CPU", metric: "large cpu", ours: "tcp", peer: "nest" },
    { ...time, row: "TCP, 10 KB, one at a time, p50", metric: "large p50", ours: "tcp", peer: "nest" },
    { ...rate, row: "TCP, small, 64 in flight", metric: "small rate", ours: "tcp", peer: "nest" },
    { ...time, row: "mTLS, small, one at a time, p50", metric: "small p50", ours: "mtls", peer: "tcp", reach: 1 / 1.5 },
    { ...rate, row: "mTLS, small, 64 in flight", metric: "small rate", ours: "mtls", peer: "tcp" },
  ],
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
