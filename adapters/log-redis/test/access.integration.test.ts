import { describeAccess } from "../../../tools/test-log/access.ts";
import { createRedisLog } from "../src/index.ts";

const users = [
  ["--user", "default", "off"],
  ["--user", "ledger", "on", ">p@ss/word", "~banyan:*", "+@all"],
  ["--user", "reader", "on", ">reader", "%R~banyan:*", "+@all"],
].flat();

describeAccess({
  server: "redis",
  title: "who may use the log over Redis Streams",
  args(port, { folder, certificate: { certFile, keyFile } }) {
    const tls = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--tls-auth-clients", "no", "--port", "0"];
    return ["--tls-port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...tls, ...users];
  },
  create(port, { user, password, ...tls }) {
    return createRedisLog({ url: `rediss://${user}:${encodeURIComponent(password)}@localhost:${port}`, ...tls });
  },
  users: ["ledger"],
  limited: { title: "a user who may only read", user: "reader" },
});
