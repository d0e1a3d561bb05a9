import { command, defineContract, event } from "@banyan/kernel";
import { z } from "zod";

const word = z.strictObject({ key: z.string().min(1).max(100), n: z.int().min(1) });

/** Says words under keys, and hears itself. */
export const relay = defineContract("relay", {
  commands: {
    say: command({
      input: word,
      output: z.object({}),
      http: "POST /v1/relay/words",
      access: "relay:write",
    }),
  },
  events: {
    said: event({ data: word, key: ({ key }) => key }),
    echoed: event({ data: word, key: ({ key }) => key }),
  },
});
