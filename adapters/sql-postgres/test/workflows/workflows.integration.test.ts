import { describeWorkflows } from "@banyan/conformance/workflows";
import { inject } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createPostgresStore } from "../../src/index.ts";

describeWorkflows("PostgreSQL", async () => {
  const database = await createTestDatabase(inject("postgresUrl"));
  return { store: () => createPostgresStore({ url: database.url }), close: () => database.drop() };
});
