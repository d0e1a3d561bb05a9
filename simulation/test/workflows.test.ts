import { describeWorkflows } from "@banyan/conformance/workflows";
import { Database } from "../src/memory/database.ts";
import { dialectOf } from "../src/memory/dialect.ts";
import { createMemoryStore } from "../src/memory/store.ts";
import { directWire } from "./direct-wire.ts";

describeWorkflows("memory", async () => {
  const database = new Database(() => performance.timeOrigin + performance.now());
  const store = () => createMemoryStore({ database, wire: directWire, dialect: dialectOf({}) });
  return { store, close: async () => {} };
});
