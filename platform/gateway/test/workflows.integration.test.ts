import { defineContract, implement, workflow } from "@banyan/kernel";
import { createPostgresStore } from "@banyan/sql-postgres";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { createTestDatabase } from "../../../tools/test-postgres.ts";
import { adminKey, bearer, buyerKey, serve } from "./serving.ts";

const desk = defineContract("desk", {
  workflows: {
    decide: workflow({
      input: z.strictObject({ name: z.string() }),
      output: z.object({ said: z.string() }),
      http: "POST /desk/:name",
      access: "shop:buy",
      deadlineMs: 100,
      signals: { decided: z.strictObject({ yes: z.boolean() }) },
    }),
  },
});
const deskService = implement(desk, {
  workflows: {
    decide: async (flow, { name }) => {
      const decided = await flow.waitFor("decision", desk.decide.signals.decided);
      return { said: `${name}: ${decided?.yes === true ? "yes" : "no"}` };
    },
  },
});

async function serveDesk() {
  const database = await createTestDatabase(inject("postgresUrl"));
  onTestFinished(() => database.drop());
  const { app, get, post } = await serve({
    services: [deskService],
    store: createPostgresStore({ url: database.url }),
  });
  const ask = async (path: string, key: string) => {
    const answer = await get(path, { headers: bearer(key) });
    return [answer.status, await answer.json()];
  };
  const tell = async (path: string, body: unknown, key: string) => {
    const answer = await post(path, body, bearer(key));
    return [answer.status, ((await answer.json()) as { code?: string }).code];
  };
  /** A client that gives no Idempotency-Key. */
  const begin = async (name: string) => {
    const answer = await post(`/desk/${name}`, {}, bearer(buyerKey));
    expect(answer.status).toBe(202);
    return answer.headers.get("location") ?? "";
  };
  const state = (path: string, expected: object) =>
    vi.waitFor(async () => expect(await ask(path, buyerKey)).toEqual([200, expected]), { timeout: 10_000 });
  return { app, get, post, ask, tell, begin, state };
}

test("a workflow that is not done in time is followed at its Location until it is", async () => {
  const { ask, tell, get, begin, state } = await serveDesk();
  const path = await begin("ink");
  const id = path.slice("/v1/workflows/".length);
  await state(path, { id, workflow: "desk.decide", state: "waiting" });
  expect((await get(path)).status).toBe(404);
  expect(await (await get("/metrics")).text()).toContain('banyan_workflow_runs{id="desk.decide",state="waiting"} 1');
  expect(await tell(`${path}/signals/decided`, { data: { yes: true } }, buyerKey)).toEqual([403, "kernel.forbidden"]);
  const unfit = await tell(`${path}/signals/decided`, { data: { yes: 1 } }, adminKey);
  expect(unfit).toEqual([400, "workflows.unfitData"]);
  const unknown = await tell(`${path}/signals/decidd`, { data: { yes: true } }, adminKey);
  expect(unknown).toEqual([404, "workflows.unknownSignal"]);
  expect(await tell(`${path}/signals/decided`, { data: { yes: true } }, adminKey)).toEqual([200, undefined]);
  await state(path, { id, workflow: "desk.decide", state: "done", outcome: { result: { said: "ink: yes" } } });
  expect(await ask("/v1/workflows/none", adminKey)).toEqual([
    404,
    expect.objectContaining({ code: "workflows.unknownRun" }),
  ]);
});

test("a run is followed by who may do what its starter might, and by nobody who may do less", async () => {
  const { get, post, begin } = await serveDesk();
  const path = await begin("ink");
  const answer = await post("/desk/pad", {}, bearer(adminKey));
  const theirs = answer.headers.get("location") ?? "";
  const status = async (at: string, key: string) => (await get(at, { headers: bearer(key) })).status;
  expect([await status(path, buyerKey), await status(path, adminKey)]).toEqual([200, 200]);
  expect([await status(theirs, buyerKey), await status(theirs, adminKey)]).toEqual([404, 200]);
});

const iso = expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/);

test("operators list the runs of their tenant, and see what each went through and waits for", async () => {
  const { ask, tell, begin, state, app } = await serveDesk();
  const path = await begin("ink");
  const id = path.slice("/v1/workflows/".length);
  await begin("pen");
  await state(path, { id, workflow: "desk.decide", state: "waiting" });
  const other = { subject: "eve", tenant: "elsewhere", permissions: new Set(["*"]) };
  const theirs = app.call(desk.decide, { name: "pad" }, { identity: other }).catch(({ details }) => details.run);
  const runs = async (query: string) => {
    const [status, answer] = await ask(`/v1/workflows${query}`, adminKey);
    return [status, (answer as { runs: object[] }).runs];
  };
  const waiting = { id, workflow: "desk.decide", version: 1, state: "waiting", isCancelled: false };
  expect(await runs("?state=waiting&workflow=desk.decide")).toEqual([
    200,
    [expect.anything(), expect.objectContaining(waiting)],
  ]);
  const page = async (query: string) =>
    (await ask(`/v1/workflows${query}`, adminKey))[1] as { runs: object[]; next: string | null };
  const newest = await page("?limit=1");
  const oldest = await page(`?limit=1&after=${newest.next}`);
  expect([200, [...newest.runs, ...oldest.runs]]).toEqual(await runs(""));
  expect([newest.runs.length, oldest.runs.length, oldest.next]).toEqual([1, 1, null]);
  expect(await ask("/v1/workflows?after=ink", adminKey)).toMatchObject([400, { field: "after" }]);
  expect([await runs("?state=done"), await runs("?workflow=desk.other")]).toEqual([
    [200, []],
    [200, []],
  ]);
  expect(await ask("/v1/workflows?state=asleep", adminKey)).toMatchObject([400, { code: "kernel.invalidInput" }]);
  expect(await ask("/v1/workflows", buyerKey)).toMatchObject([403, { code: "kernel.forbidden" }]);

  const decision = { name: "decision", kind: "wait", beganAt: iso, attempts: 0, waitsToHear: true };
  expect(await ask(`${path}/timeline`, adminKey)).toMatchObject([
    200,
    { ...waiting, startedAt: iso, actor: "buyer", steps: [decision] },
  ]);
  await tell(`${path}/signals/decided`, { data: { yes: true } }, adminKey);
  const result = { said: "ink: yes" };
  await state(path, { id, workflow: "desk.decide", state: "done", outcome: { result } });
  const over = {
    name: "decision",
    waitsToHear: false,
    endedAt: iso,
    outcome: { result: { yes: true } },
  };
  expect(await ask(`${path}/timeline`, adminKey)).toMatchObject([
    200,
    { state: "done", steps: [over], outcome: { result } },
  ]);
  const unknown = [404, { code: "workflows.unknownRun" }];
  expect(await ask(`/v1/workflows/${await theirs}/timeline`, adminKey)).toMatchObject(unknown);
  expect(await ask(`${path}/timeline`, buyerKey)).toMatchObject([403, { code: "kernel.forbidden" }]);
});

test("an operator cancels a run, and its Location says how it ended", async () => {
  const { tell, begin, state } = await serveDesk();
  const path = await begin("pen");
  const id = path.slice("/v1/workflows/".length);
  expect(await tell(`${path}/cancel`, {}, buyerKey)).toEqual([403, "kernel.forbidden"]);
  expect(await tell(`${path}/cancel`, {}, adminKey)).toEqual([200, undefined]);
  const fault = { code: "kernel.runCancelled", kind: "conflict", message: `the run ${id} was cancelled` };
  await state(path, { id, workflow: "desk.decide", state: "failed", outcome: { fault } });
  expect(await tell(`${path}/retry`, {}, adminKey)).toEqual([404, "workflows.unknownRun"]);
});

test("OpenAPI says that a workflow may answer 202, and where to follow it", async () => {
  const { get } = await serveDesk();
  const { paths } = (await (await get("/openapi.json")).json()) as { paths: Record<string, never> };
  expect(paths["/desk/{name}"]).toHaveProperty("post.responses.202.headers.Location");
  expect(paths["/v1/workflows/{id}"]).toHaveProperty("get.responses.200");
  expect(paths["/v1/workflows/{id}"]).not.toHaveProperty("get.responses.202");
});
