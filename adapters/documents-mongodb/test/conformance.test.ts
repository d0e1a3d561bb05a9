import { randomBytes } from "node:crypto";
import { documentsConformance } from "@banyan/conformance/documents";
import { MongoClient } from "mongodb";
import { describeWithServer } from "../../../tools/test-server.ts";
import { createMongoDocuments } from "../src/index.ts";

describeWithServer("mongodb", "MongoDB", (url) => {
  documentsConformance("MongoDB", async () => {
    const name = `test_${randomBytes(4).toString("hex")}`;
    const within = new URL(url);
    within.pathname = `/${name}`;
    return {
      createDocuments: () => createMongoDocuments({ url: within.href }),
      close: async () => {
        const client = new MongoClient(url);
        await client.db(name).dropDatabase();
        await client.close();
      },
    };
  });
});
