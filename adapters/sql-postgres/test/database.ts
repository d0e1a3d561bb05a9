import { randomUUID } from "node:crypto";
import { connect, statement } from "../src/index.ts";

/** A database of the test file's own on the server that BANYAN_TEST_POSTGRES names. */
export async function createTestDatabase(): Promise<{ readonly url: string; drop(): Promise<void> }> {
  // biome-ignore lint/style/noProcessEnv: the tests' composition root
  const server = process.env.BANYAN_TEST_POSTGRES;
  if (server === undefined)
    throw new Error("set BANYAN_TEST_POSTGRES to the URL of a server where databases may be created");
  const name = `banyan_${randomUUID().replaceAll("-", "")}`;
  const run = async (text: string): Promise<void> => {
    const connection = await connect({ url: server });
    await connection.run([statement(text)]).finally(() => connection.close());
  };
  await run(`CREATE DATABASE ${name}`);
  const url = server.replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
  return { url, drop: () => run(`DROP DATABASE ${name} WITH (FORCE)`) };
}
