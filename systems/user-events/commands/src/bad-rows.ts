import { isFault, type Received } from "@banyan/kernel";
import { events } from "@banyan/user-events-events/contract";
import { type CommandRun, fieldsOf, moment } from "./command.ts";

/** `banyan events bad-rows` */
export const badRows = {
  summary: "what was refused and why, newest first",
  options: [
    ["--source <id>", "only of this source"],
    ["--reason <reason>", "only for this reason, as schemaMismatch"],
    ["--state <state>", "retrying, dead or redriven"],
    ["--limit <n>", "at most so many, 100 unless given"],
  ],
  examples: ["banyan events bad-rows", "banyan events bad-rows --reason schemaMismatch --json"],
  async run(run: CommandRun): Promise<void> {
    const { limit } = run.options;
    const wanted = fieldsOf<Partial<Pick<Received<typeof events.badRows>, "source" | "reason" | "state">>>(run, [
      "source",
      "reason",
      "state",
    ]);
    const found = await run.call(events.badRows, { ...wanted, ...(limit !== undefined && { limit: Number(limit) }) });
    const lines = found.badRows.map(
      ({ id, source, reason, detail, state, attempts, receivedAt }) =>
        `${id}  ${moment(receivedAt)}  ${source}  ${state}, tried ${attempts} x  ${reason}: ${detail}`,
    );
    const more = found.next === null ? [] : ["… there are more"];
    run.show(found, [...(lines.length === 0 ? ["Nothing is refused."] : lines), ...more].join("\n"));
  },
} as const;

/** `banyan events redrive` */
export const redrive = {
  summary: "try bad rows again by the schemas of now",
  takes: "<ids...>",
  examples: ["banyan events redrive 0199…", "banyan events redrive 0199… 0199… --json"],
  async run({ call, given, show }: CommandRun): Promise<void> {
    for (const id of given) {
      try {
        const { outcome } = await call(events.redrive, { id });
        show({ id, outcome }, `${id} is ${outcome}`);
      } catch (error) {
        if (!isFault(error) || error.code !== "events.stillBad") throw error;
        show({ id, outcome: "bad", why: error.message }, `${id}: ${error.message}`);
      }
    }
  },
} as const;
