import { defineConfig } from "@banyan/cli";
import { defineContract, implement, query } from "@banyan/kernel";
import { z } from "zod";

/** No path begins without a slash: types do not tell, the gateway does. */
const ask = query({ input: z.strictObject({}), output: z.object({}), http: "GET ask" as "GET /", access: "public" });
const desk = defineContract("desk", { queries: { ask } });

export default defineConfig({ services: [implement(desk, { queries: { ask: () => ({}) } })] });
