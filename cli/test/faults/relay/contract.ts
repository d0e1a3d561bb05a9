import { command, defineContract, event } from "@banyan/kernel";
import { z } from "zod";

const word = z.strictObject({ key: z.string().min(1).max(100), n: z.int().min(1) });

/** Says words under keys, those of one command together, and hears itself. */
export const relay = defineContract("relay", {
  commands: {
    say: command({
      input: z.strictObject({ words: z.array(word).min(1).max(200) }),
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
