import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describeAccess } from "../../../tools/test-log/access.ts";
import { createKafkaLog } from "../src/index.ts";

/** Each user's, and how each says who it is. */
const passwords = { plain: "p@ss/word", scram256: "p@ss/word", scram512: "p@ss/word", stranger: "stranger" };
const mechanisms = {
  plain: "PLAIN",
  scram256: "SCRAM-SHA-256",
  scram512: "SCRAM-SHA-512",
  stranger: "PLAIN",
} as const;

type User = keyof typeof mechanisms;
const usersBy = (mechanism: string) =>
  (Object.keys(mechanisms) as User[]).filter((user) => mechanisms[user] === mechanism);
const security = "org.apache.kafka.common.security";
const plainUsers = usersBy("PLAIN").map((user) => `user_${user}="${passwords[user]}"`);

/** One node that is broker and controller; what it says to itself goes to a second port, without TLS. */
const settings = (port: number, folder: string) => `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${port + 1}
controller.listener.names=CONTROLLER
listeners=SASL_SSL://127.0.0.1:${port},CONTROLLER://127.0.0.1:${port + 1}
advertised.listeners=SASL_SSL://localhost:${port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=${security}.plain.PlainLoginModule required username="plain" password="${passwords.plain}" ${plainUsers.join(" ")};
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=${security}.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${security}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location=${join(folder, "server.pem")}
ssl.truststore.type=PEM
ssl.truststore.location=${join(folder, "cert.pem")}
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:plain;User:scram256;User:scram512;User:ANONYMOUS
log.dirs=${join(folder, "log")}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.cleaner.dedupe.buffer.size=8388608
`;

describeAccess({
  server: "kafka",
  runtime: "java",
  title: "who may use the log over Kafka",
  args(port, { folder, program, certificate: { certFile, keyFile } }) {
    const config = join(folder, "server.properties");
    writeFileSync(config, settings(port, folder));
    writeFileSync(join(folder, "server.pem"), readFileSync(keyFile, "utf8") + readFileSync(certFile, "utf8"));
    const java = ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", join(dirname(program), "*")];
    const scram = ["SCRAM-SHA-256", "SCRAM-SHA-512"].flatMap((mechanism) =>
      usersBy(mechanism).flatMap((user) => ["--add-scram", `${mechanism}=[name=${user},password=${passwords[user]}]`]),
    );
    const format = ["kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", config, ...scram];
    execFileSync("java", [...java, ...format], { stdio: "ignore" });
    return [...java, "kafka.Kafka", config];
  },
  create(port, { user, password, ...tls }) {
    const sasl = { mechanism: mechanisms[user as User], username: user, password };
    return createKafkaLog({ brokers: `localhost:${port}`, sasl, ...tls });
  },
  users: ["plain", "scram256", "scram512"],
  limited: { title: "a user without any rights", user: "stranger" },
});
