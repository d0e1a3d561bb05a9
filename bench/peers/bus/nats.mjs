import { connect, createInbox } from "@nats-io/transport-node";
import { calleeMethods, echoCaller } from "../../src/bus/echo.ts";

/** The client of NATS itself: `api` "request" is its own request(), "inbox" one subscription and a map, which has no timeouts. */
export async function open({ role, url, api }) {
  const connection = await connect({ servers: url.replace("nats://", ""), noAsyncTraces: true });
  if (role === "callee") {
    const callback = (_, message) => void message.respond(JSON.stringify(message.json()));
    connection.subscribe("bench.echo", { queue: "bench", callback });
    await connection.flush();
    return calleeMethods(() => "");
  }
  return echoCaller(api === "request" ? byRequest(connection) : await byInbox(connection));
}

function byRequest(connection) {
  return async (payload) => {
    const answer = await connection.request("bench.echo", JSON.stringify(payload), { timeout: 5_000 });
    return answer.json();
  };
}

async function byInbox(connection) {
  const inbox = createInbox();
  const waiting = new Map();
  let last = 0;
  const callback = (_, message) => {
    const key = message.subject.slice(inbox.length + 1);
    waiting.get(key)(message.json());
    waiting.delete(key);
  };
  connection.subscribe(`${inbox}.*`, { callback });
  await connection.flush();
  return (payload) =>
    new Promise((resolve) => {
      const key = String(++last);
      waiting.set(key, resolve);
      connection.publish("bench.echo", JSON.stringify(payload), { reply: `${inbox}.${key}` });
    });
}
