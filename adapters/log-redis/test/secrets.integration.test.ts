import { inspect } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { OwnServer } from "../../../tools/own-server.ts";
import { describeWithOwnServer } from "../../../tools/test-server.ts";
import { createRedisLog } from "../src/index.ts";

describeWithOwnServer("redis", "what Redis refuses of the log", (program) => {
  test("is told without the events, and without the password that was tried", async () => {
    const server = await OwnServer.start(program, (port) => [
      "--save",
      "",
      "--bind",
      "127.0.0.1",
      "--port",
      String(port),
    ]);
    onTestFinished(() => server.kill());
    const open = async (user: string) => {
      const log = createRedisLog({ url: `redis://${user}127.0.0.1:${server.port}` });
      onTestFinished(() => log.close({ deadlineMs: 500 }));
      await log.open({ signal: AbortSignal.timeout(5_000) });
      return log;
    };
    const shown = (reason: unknown) => inspect(reason, { depth: 10, showHidden: true });
    const log = await open("");
    const owner = log.unwrap();
    await owner.acl("SETUSER", "ann", "on", ">right");
    const refused = await open("ann:guessed@").catch(shown);
    expect(refused).toContain("WRONGPASS");
    expect(refused).not.toContain("guessed");
    await owner.config("SET", "maxmemory", "1");
    const message = { id: "1", type: "ledger.posted", key: "ann@example.org", body: Buffer.from("{}") };
    const full = await log.append([message]).catch(shown);
    expect(full).toContain("OOM");
    expect(full).not.toContain("ann@example.org");
  });
});
