import { deepStrictEqual, ok } from "node:assert";

const body = { name: "Ada Lovelace", email: "ada@example.test", age: 36, tags: ["maths", "engines"] };
const headers = { "content-type": "application/json", connection: "close" };
const wrong = [{ ...body, age: 151 }, { ...body, email: "x" }, { ...body, tags: [{}] }, {}];

/** A valid user, as a request. */
export const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };

/** Proves that a server does the work that it is timed for: both routes answer, and a wrong body is refused. */
export async function checkUsers(address: string, name: string): Promise<void> {
  const answer = async (path: string, init: RequestInit) => (await fetch(address + path, { ...init, headers })).json();
  deepStrictEqual(
    await answer("/users/42", {}),
    { id: "42", ...body },
    `${name} answered another user to GET /users/42`,
  );
  deepStrictEqual(await answer("/users", post), { id: "1", ...body }, `${name} answered another user to POST /users`);
  for (const one of wrong) {
    const { status } = await fetch(`${address}/users`, { method: "POST", headers, body: JSON.stringify(one) });
    ok(status === 400 || status === 422, `${name} answered ${status} to ${JSON.stringify(one)}`);
  }
}
