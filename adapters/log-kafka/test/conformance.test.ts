import { logConformance } from "@banyan/conformance/log";
import { Producer } from "@platformatic/kafka";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createKafkaLog, type KafkaLog } from "../src/index.ts";
import { cut, newNamespace, removeNamespace } from "./kafka.ts";

describeWithServer("kafka", "Kafka", (brokers) => {
  logConformance("Kafka", async () => {
    const namespace = newNamespace();
    const logs: KafkaLog[] = [];
    return {
      createLog() {
        const log = createKafkaLog({ brokers, namespace });
        logs.push(log);
        return log;
      },
      interrupt: () => logs.forEach(cut),
      async plant() {
        const producer = new Producer({ clientId: "stranger", bootstrapBrokers: [brokers] });
        await producer.send({ messages: [{ topic: `${namespace}.events`, value: Buffer.from("what is this") }] });
        await producer.close();
      },
      close: () => removeNamespace(brokers, namespace),
    };
  });
});
