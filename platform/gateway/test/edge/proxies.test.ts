import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { raw, serve } from "../serving.ts";

interface Proxy {
  readonly binary: string;
  readonly configuration: (port: number, backend: number, folder: string) => string;
  readonly parameters: (file: string, folder: string) => string[];
}

const proxies: Record<string, Proxy> = {
  haproxy: {
    binary: "/usr/sbin/haproxy",
    configuration: (port, backend) =>
      [
        "global\n  maxconn 50",
        "defaults\n  mode http\n  timeout connect 2s\n  timeout client 5s\n  timeout server 5s\n  option forwardfor",
        `frontend front\n  bind 127.0.0.1:${port}\n  default_backend back`,
        `backend back\n  http-reuse always\n  server gateway 127.0.0.1:${backend}`,
        "",
      ].join("\n"),
    parameters: (file) => ["-db", "-f", file],
  },
  nginx: {
    binary: "/usr/sbin/nginx",
    configuration: (port, backend, folder) => `
      daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit;
      events { worker_connections 64; }
      http {
        access_log off;
        client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
        fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
        upstream gateway { server 127.0.0.1:${backend}; keepalive 8; }
        server {
          listen 127.0.0.1:${port};
          location / {
            proxy_pass http://gateway; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
          }
        }
      }`,
    parameters: (file, folder) => ["-p", folder, "-c", file],
  },
};

const smuggled = "GET /admin HTTP/1.1\r\nhost: a\r\n\r\n";
const post = (headers: string, body: string) =>
  `POST /users HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${headers}\r\n${body}`;

const cases: [name: string, bytes: string][] = [
  [
    "Content-Length beside Transfer-Encoding",
    post(`content-length: ${smuggled.length + 5}\r\ntransfer-encoding: chunked\r\n`, `0\r\n\r\n${smuggled}`),
  ],
  [
    "Content-Length of the chunks alone",
    post("content-length: 5\r\ntransfer-encoding: chunked\r\n", `0\r\n\r\n${smuggled}`),
  ],
  ["two lengths", post(`content-length: 2\r\ncontent-length: ${smuggled.length + 2}\r\n`, `{}${smuggled}`)],
  ["a space before the colon", post("content-length: 2\r\ntransfer-encoding : chunked\r\n", `{}${smuggled}`)],
  ["an encoding that only looks like chunked", post("transfer-encoding: xchunked\r\n", `0\r\n\r\n${smuggled}`)],
  ["a folded encoding", post("content-length: 2\r\ntransfer-encoding:\r\n chunked\r\n", `{}${smuggled}`)],
  ["NUL in a header", `GET /users/1 HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n`],
  ["no Host", "GET /users/1 HTTP/1.1\r\n\r\n"],
  ["two Hosts", "GET /users/1 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n"],
  ["a dot segment behind an encoded slash", "GET /users/..%2f..%2fadmin HTTP/1.1\r\nhost: a\r\n\r\n"],
];

for (const [name, proxy] of Object.entries(proxies)) {
  describe.skipIf(!existsSync(proxy.binary))(`behind ${name} (needs ${proxy.binary})`, () => {
    test("plain requests pass, with the client's address from the proxy", async () => {
      const { port, logged } = await behind(proxy);
      const { status, text } = await raw(port, "GET /users/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
      expect([status, text.includes("Ada Lovelace")]).toEqual([200, true]);
      expect(logged).toEqual([expect.objectContaining({ route: "GET /users/:id", status: 200 })]);
    });

    test.each(cases)("%s: refused, and nothing smuggled behind it arrives", async (_name, bytes) => {
      const { port, logged } = await behind(proxy);
      const { status, text } = await raw(port, Buffer.from(bytes, "latin1"));
      const answered = text.match(/HTTP\/1\.1 \d{3}/g) ?? [];
      expect({ status, answered: answered.length }).toEqual({
        status: expect.toSatisfy((one: number) => one === 400 || one === 501 || one === 0),
        answered: expect.toSatisfy((count: number) => count <= 1),
      });
      expect(logged.filter(({ route }) => route === "GET /admin")).toEqual([]);
    });
  });
}

/** A proxy of its own folder and port in front of a gateway that trusts it; both end with the test. */
async function behind(proxy: Proxy) {
  const { port: backend, logged } = await serve({ trustedProxies: ["127.0.0.1"], logLevel: "debug" });
  const folder = await mkdtemp(join(tmpdir(), "banyan-proxy-"));
  const port = await freePort();
  const file = join(folder, "proxy.conf");
  await writeFile(file, proxy.configuration(port, backend, folder));
  const child = spawn(proxy.binary, proxy.parameters(file, folder), { stdio: ["ignore", "ignore", "pipe"] });
  onTestFinished(async () => {
    await ended(child);
    await rm(folder, { recursive: true, force: true });
  });
  await expect.poll(() => answers(port), { timeout: 5_000 }).toBe(true);
  return { port, logged };
}

function ended(child: ChildProcess): Promise<unknown> {
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  return child.exitCode === null && child.signalCode === null ? exited : Promise.resolve();
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
