import { serveProject } from "../http/serve-project.ts";
import { settled } from "./settled.ts";
import { openAccounts } from "./transfers.ts";

export async function open(subject: { url: string; key: string }) {
  const { app, address } = await serveProject(subject);
  await openAccounts(app);
  return {
    address: () => address,
    /** What the last load left to be delivered would otherwise be measured with the next one. */
    settled: () => settled(app, subject.url),
  };
}
