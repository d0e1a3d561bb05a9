import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OwnServer, type OwnServerName, programOf } from "@banyan/tools/own-server";
import type { Bench } from "../rounds.ts";
import type { Subject } from "../subject-process.ts";
import type { Prepared } from "./transport.ts";

/** A broker and how to start it for measurements alone. */
export type BrokerChoice = {
  server: OwnServerName;
  args: (port: number, folder: string) => readonly string[];
  subjects: (port: number) => readonly Subject[];
};

/** A broker of its own for all subjects; where its program is not installed, none of them is measured. */
export async function withBroker(bench: Bench, { server, args, subjects }: BrokerChoice): Promise<Prepared> {
  const program = programOf(server);
  if (program === undefined) {
    bench.progress(`without the program of ${server} (../shared/infra/up ${server}) there are no rows over it`);
    return { subjects: [], close: () => {} };
  }
  const folder = mkdtempSync(join(tmpdir(), `banyan-bench-${server}-`));
  const broker = await OwnServer.start(program, (port) => args(port, folder));
  return {
    subjects: subjects(broker.port),
    brokerCpuMicros: () => broker.cpuMicros(),
    close: async () => {
      await broker.kill();
      rmSync(folder, { recursive: true });
    },
  };
}
