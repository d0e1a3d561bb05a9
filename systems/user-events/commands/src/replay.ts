import type { Received } from "@banyan/kernel";
import { destinations } from "@banyan/user-events-destinations/contract";
import type { CommandRun } from "./command.ts";

type Wanted = Received<typeof destinations.replay>;

/** `banyan events replay` */
export const replay = {
  summary: "send a destination what was stored before and it does not have, by time and type",
  takes: "<destination>",
  options: [
    ["--from <moment>", "when the first of them happened, as 2026-11-21T09:00:00Z"],
    ["--to <moment>", "when they no longer count"],
    ["--type <type>", "only of this type, as track"],
    ["--name <name>", "only of this name"],
  ],
  examples: [
    "banyan events replay lake",
    "banyan events replay lake --from 2026-11-01T00:00:00Z --to 2026-11-02T00:00:00Z --type track --json",
  ],
  async run({ call, given: [id = ""], options, show }: CommandRun): Promise<void> {
    const { from, to, type, name } = options;
    const wanted = {
      id,
      ...(from !== undefined && { from: String(from) }),
      ...(to !== undefined && { to: String(to) }),
      ...(type !== undefined && { types: [type as Wanted["types"][number]] }),
      ...(name !== undefined && { names: [String(name)] }),
    };
    const begun = await call(destinations.replay, wanted);
    show(begun, `${id} is being sent what it does not have.`);
  },
} as const;
