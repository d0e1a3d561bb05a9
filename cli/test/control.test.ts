import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { ask } from "../src/control/client.ts";
import { type ControlServer, type Operate, openControlServer } from "../src/control/server.ts";

let server: ControlServer | undefined;
const folders: string[] = [];
afterEach(async () => {
  await server?.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

const newFolder = () => {
  const folder = mkdtempSync(join(tmpdir(), "banyan control "));
  folders.push(folder);
  return folder;
};
const open = async (operate: Operate, folder = newFolder()) => {
  server = await openControlServer(folder, operate);
  return server.socketPath;
};

test("items come before the end, in order", async () => {
  const path = await open(async (_request, { send }) => {
    send({ n: 1 });
    send({ n: 2 });
    return "end";
  });
  const items: unknown[] = [];
  expect(await ask(path, { do: "health" }, { onItem: (item) => items.push(item) })).toBe("end");
  expect(items).toEqual([{ n: 1 }, { n: 2 }]);
});

test("what is raised there is a failure here, with the words of it", async () => {
  const path = await open(async () => {
    throw new Error("the roof leaks");
  });
  await expect(ask(path, { do: "health" })).rejects.toThrow("the roof leaks");
});

test("a client that gives up ends the work", async () => {
  const givenUp = new AbortController();
  let ended: (() => void) | undefined;
  const workEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const path = await open((_request, { signal }) => {
    givenUp.abort();
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => {
        ended?.();
        resolve(null);
      }),
    );
  });
  await ask(path, { do: "tail", pattern: "*" }, { signal: givenUp.signal });
  await workEnded;
});

test("closing the server is a failure of who waits", async () => {
  const path = await open((_request, { send }) => {
    send("begun");
    return new Promise(() => {});
  });
  const waiting = ask(path, { do: "health" }, { onItem: () => void server?.close() });
  await expect(waiting).rejects.toThrow(/went away/);
});

test("a line that is no request is refused", async () => {
  const path = await open(async () => "never");
  await expect(ask(path, { do: "shutdown" } as never)).rejects.toThrow(/do/);
});

test("only this user may connect, and a dead predecessor's socket is replaced", async () => {
  const folder = newFolder();
  const path = await open(async () => 1, folder);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a folder whose path is too long for a socket gets one elsewhere", async () => {
  const deep = join(newFolder(), "x".repeat(100));
  mkdirSync(deep);
  const path = await open(async () => "reached", deep);
  expect(path.startsWith(deep)).toBe(false);
  expect(await ask(path, { do: "health" })).toBe("reached");
});

test("a reader that lags is told how much was left out", async () => {
  const record = { text: "x".repeat(100_000) };
  let sendAll: (() => void) | undefined;
  const path = await open(async (_request, { send, signal }) => {
    for (let sent = 0; sent < 200; sent++) send(record);
    await new Promise<void>((resolve) => {
      sendAll = resolve;
      signal.addEventListener("abort", () => resolve());
    });
    send(record);
    return null;
  });
  const kinds: string[] = [];
  await ask(
    path,
    { do: "health" },
    {
      onItem: (item) => {
        kinds.push((item as { kind?: string }).kind ?? "record");
        // The first records have been read, so that the socket takes some again.
        if (kinds.length === 10) setImmediate(() => sendAll?.());
      },
    },
  );
  expect(kinds.length).toBeLessThan(202);
  expect(kinds).toContain("gap");
  connect(path).destroy();
});
