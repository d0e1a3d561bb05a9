import { ask } from "../../control/client.ts";
import { usageFailure } from "../../failure.ts";
import { print, printJson } from "../../output/terminal.ts";
import { connectServer } from "../../project/project.ts";

/** Starts or stops processes until there are as many as was asked, "ledger=3". */
export async function scale(wish: string, { json }: { readonly json?: boolean }): Promise<void> {
  const [, service = "", count = ""] = /^([a-zA-Z0-9-]+)=(\d{1,2})$/.exec(wish) ?? [];
  if (service === "") throw usageFailure(`"${wish}" is no wish.`, "Write it as SERVICE=N, as in ledger=3.");
  const server = await connectServer();
  const nodes = (await ask(server.socket, { do: "scale", service, count: Number(count) })) as readonly string[];
  if (json) printJson(nodes);
  else print(nodes.length === 0 ? `${service} runs nowhere now.` : `${service} runs in ${nodes.join(", ")}.`);
}
