import { defineContract, type Handler, implement, workflow } from "@banyan/kernel";
import { z } from "zod";

const Sent = z.strictObject({ number: z.int(), sentMs: z.number() });

/** The smallest workflow that keeps a step. */
export const flows = defineContract("flows", {
  workflows: { one: workflow({ input: Sent, output: Sent, access: "flows", version: 1 }) },
});

const one: Handler<typeof flows.one> = (flow, message) => flow.run("step", () => message);

export const flowsService = implement(flows, { workflows: { one } });
