import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeAccess } from "../../../tools/test-log/access.ts";
import { createJetStreamLog } from "../src/index.ts";

const users = `authorization { users: [
  { user: ledger, password: "p@ss/word" },
  { user: deaf, password: deaf, permissions: { subscribe: "other.>" } },
] }`;

describeAccess({
  server: "nats",
  title: "who may use the log over JetStream",
  args(port, { folder, certificate: { certFile, keyFile } }) {
    const config = join(folder, "nats.conf");
    const tls = `tls { cert_file: "${certFile}", key_file: "${keyFile}" }`;
    writeFileSync(config, `jetstream { store_dir: "${folder}" }\n${tls}\n${users}`);
    return ["-c", config, "-a", "127.0.0.1", "-p", String(port)];
  },
  create(port, { user, password, ...tls }) {
    const url = `tls://${user}:${encodeURIComponent(password)}@localhost:${port}`;
    return createJetStreamLog({ url, ...tls });
  },
  users: ["ledger"],
  limited: { title: "a user who may not hear", user: "deaf" },
});
