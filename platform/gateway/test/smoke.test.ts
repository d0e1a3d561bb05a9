import { test } from "vitest";
import { bearer, buyerKey, serve } from "./serving.ts";

test("smoke", async () => {
  const s = await serve();
  const show = async (r: Response) =>
    console.log(r.status, JSON.stringify(Object.fromEntries(r.headers)), (await r.text()).slice(0, 600));
  await show(await s.get("/users/42"));
  await show(await s.get("/search?limit=5&tag=a&tag=b&isOpen=true&size=3"));
  await show(await s.get("/search?limit=500&zzz=1"));
  await show(await s.post("/users", { name: "a", age: 3, tags: [] }));
  await show(await s.post("/users", { name: "a", age: "3" }));
  await show(await s.post("/users", '{"name":"a","age":9007199254740993}'));
  await show(await s.post("/users/1/touch", ""));
  await show(await s.post("/buy/gone", {}, bearer(buyerKey)));
  await show(await s.post("/buy/shut", {}, bearer(buyerKey)));
  await show(await s.post("/buy/x", {}));
  await show(await s.get("/leak"));
  await show(await s.get("/broken"));
  await show(await s.get("/missing"));
  await show(await s.get("/nope"));
  await show(await s.get("/buy/x"));
  await show(await s.get("/readiness"));
  await show(await s.get("/docs"));
  await show(await s.get("/openapi.json"));
  console.log(s.logged);
});
