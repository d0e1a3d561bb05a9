import { randomBytes } from "node:crypto";
import { documentsConformance } from "@banyan/conformance/documents";
import { MongoClient } from "mongodb";
import { TestProxy } from "../../../tools/test-proxy.ts";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createMongoDocuments } from "../src/index.ts";

describeWithServer("mongodb", "MongoDB", (url) => {
  documentsConformance("MongoDB", async () => {
    const name = `test_${randomBytes(4).toString("hex")}`;
    const way = await TestProxy.before(Number(new URL(url).port));
    return {
      createDocuments: () =>
        createMongoDocuments({ url: `mongodb://127.0.0.1:${way.port}/${name}?directConnection=true` }),
      way,
      close: async () => {
        way.close();
        const client = new MongoClient(url);
        await client.db(name).dropDatabase();
        await client.close();
      },
    };
  });
});
