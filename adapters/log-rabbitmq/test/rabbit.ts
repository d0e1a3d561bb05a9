import { randomBytes } from "node:crypto";

/** A namespace of one test file alone. */
export const newNamespace = () => `test-${randomBytes(4).toString("hex")}`;

/** Asks RabbitMQ's management for something. Undefined where there is no answer but "done". */
export async function manage(path: string, { method = "GET", body }: { method?: string; body?: unknown } = {}) {
  // biome-ignore lint/style/noProcessEnv: where ../shared/infra says that it is
  const api = new URL(process.env.BANYAN_TEST_RABBITMQ_API as string);
  const authorization = `Basic ${btoa(`${api.username}:${api.password}`)}`;
  const response = await fetch(`${api.origin}/api/${path}`, {
    method,
    headers: { authorization, "content-type": "application/json" },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  if (!response.ok && response.status !== 404) throw new Error(`${method} ${path}: ${response.status}`);
  const text = await response.text();
  return text === "" ? undefined : JSON.parse(text);
}

/** Deletes every queue and exchange of a namespace. */
export async function removeNamespace(namespace: string): Promise<void> {
  for (const kind of ["queues", "exchanges"]) {
    const all: { name: string }[] = await manage(`${kind}/%2F`);
    const ours = all.filter(({ name }) => name.startsWith(`${namespace}.`));
    for (const { name } of ours) await manage(`${kind}/%2F/${encodeURIComponent(name)}`, { method: "DELETE" });
  }
}
