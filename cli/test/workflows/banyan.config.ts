import { defineConfig } from "@banyan/cli";
import { type Handler, implement } from "@banyan/kernel";
import { desk } from "./contract.ts";

let isMended = false;

const decide: Handler<typeof desk.decide> = async (flow, { name }) => {
  await flow.run("file", () => name);
  if (name === "torn" && !isMended) await flow.run("file", () => "again");
  const decided = await flow.waitFor("decision", desk.decide.signals.decided);
  return { said: decided?.yes === true ? "yes" : "no" };
};

const deskService = implement(desk, {
  commands: {
    apply: (ctx, application) => ({ run: ctx.start(desk.decide, application) }),
    mend: () => {
      isMended = true;
      return {};
    },
  },
  workflows: { decide },
});

/** Runs that wait for a person. */
export default defineConfig({ title: "Desk", services: [deskService] });
