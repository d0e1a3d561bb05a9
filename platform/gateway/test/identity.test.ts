import { createHash } from "node:crypto";
import { anonymousIdentity } from "@banyan/kernel/app";
import { describe, expect, test } from "vitest";
import {
  createApiKeyAuthenticator,
  createBasicAuthenticator,
  createKeyAuthenticator,
  firstOf,
  hashApiKey,
} from "../src/index.ts";
import { adminKey, bearer, buyerKey, keys, serve } from "./serving.ts";

describe("an API key", () => {
  const authenticator = createApiKeyAuthenticator(keys);
  const who = async (authorization: string | undefined) =>
    (await authenticator.authenticate({ authorization, address: "" }))?.subject;

  test("names its subject, at first sight and again", async () => {
    expect([await who(`Bearer ${buyerKey}`), await who(`Bearer ${buyerKey}`), await who(`bearer ${adminKey}`)]).toEqual(
      ["buyer", "buyer", "admin"],
    );
    expect(await authenticator.authenticate({ authorization: undefined, address: "" })).toBe(anonymousIdentity);
  });

  test("that is not known, or not shown as one, names nobody", async () => {
    const wrong = [
      "",
      "Bearer",
      "Bearer ",
      `Basic ${buyerKey}`,
      buyerKey,
      `Bearer ${buyerKey}x`,
      `Bearer ${buyerKey.slice(0, -1)}`,
      `Bearer ${buyerKey} ${buyerKey}`,
      `Bearer ${keys[0]?.hash}`,
      `Token ${buyerKey}`,
    ];
    for (const authorization of wrong) expect(await who(authorization)).toBe(undefined);
  });

  test("is kept as its SHA-256 alone, and a weak one or a wrong list is refused at the start", () => {
    expect(hashApiKey(buyerKey)).toBe(createHash("sha256").update(buyerKey).digest("hex"));
    expect(() => hashApiKey("hunter2")).toThrow("at least 20 characters");
    const [first] = keys;
    if (first === undefined) throw new Error("no keys");
    expect(() => createApiKeyAuthenticator([first, first])).toThrow("twice");
    expect(() => createApiKeyAuthenticator([{ ...first, hash: buyerKey }])).toThrow("64 hexadecimal digits");
  });
});

test("a key that is looked up by its hash is refused from when it is not found any more", async () => {
  const found = new Map([[hashApiKey(buyerKey), { subject: "key 1", tenant: "acme", permissions: new Set<string>() }]]);
  const looked = createKeyAuthenticator(async (keyHash) => found.get(keyHash));
  const authenticator = firstOf([createApiKeyAuthenticator(keys.slice(1)), looked]);
  const who = async (authorization?: string) =>
    (await authenticator.authenticate({ authorization, address: "" }))?.subject;
  expect([await who(`Bearer ${buyerKey}`), await who(`Bearer ${adminKey}`), await who()]).toEqual([
    "key 1",
    "admin",
    "anonymous",
  ]);
  expect([await who(`Bearer ${buyerKey}x`), await who(`Basic ${buyerKey}`)]).toEqual([undefined, undefined]);
  found.clear();
  expect(await who(`Bearer ${buyerKey}`)).toBe(undefined);
});

describe("Basic credentials", () => {
  let asked = 0;
  const basic = createBasicAuthenticator(async ({ userName, password }) => {
    asked += 1;
    const permissions = new Set<string>();
    return userName === "key" && password === "" ? { subject: "source", tenant: "acme", permissions } : undefined;
  });
  const authenticator = firstOf([createApiKeyAuthenticator(keys), basic]);
  const who = async (authorization: string | undefined) =>
    (await authenticator.authenticate({ authorization, address: "" }))?.subject;

  test("are looked up once for many requests, known or not", async () => {
    const known = `Basic ${btoa("key:")}`;
    const unknown = `Basic ${btoa("key:guess")}`;
    for (let time = 0; time < 3; time++) {
      expect([await who(known), await who(unknown)]).toEqual(["source", undefined]);
    }
    expect(asked).toBe(2);
  });

  test("stand beside API keys, and what is neither names nobody", async () => {
    expect([await who(`Bearer ${buyerKey}`), await who(undefined)]).toEqual(["buyer", "anonymous"]);
    for (const wrong of ["Basic", "Basic %%%", `Basic ${btoa("no colon")}`, "Bearer x"]) {
      expect(await who(wrong)).toBe(undefined);
    }
  });
});

test("every route answers each kind of caller as its contract says: 401 to nobody, 403 without the permission", async () => {
  const { app, get } = await serve();
  const callers = {
    anonymous: {},
    unknown: bearer("unknown-key-0123456789-0123456789"),
    buyer: bearer(buyerKey),
    admin: bearer(adminKey),
  };
  const cells: string[] = [];
  for (const { contract } of app.services) {
    for (const { definition, id } of Object.values(contract.queries)) {
      const [method = "", path = ""] = (definition.http ?? "").split(" ");
      const { access } = definition;
      for (const [name, headers] of Object.entries(callers)) {
        const body = method === "GET" ? {} : { body: "{}" };
        const answer = await get(path.replace(/:\w+/g, "x"), {
          method,
          headers: { ...headers, "content-type": "application/json" },
          ...body,
        });
        const { code } = answer.status < 300 ? { code: "" } : ((await answer.json()) as { code: string });
        const mayPass = access === "public" || name === "admin" || (name === "buyer" && access === "shop:buy");
        const expected = name === "unknown" ? 401 : mayPass ? "through" : name === "anonymous" ? 401 : 403;
        const found = answer.status === 401 || answer.status === 403 ? answer.status : "through";
        expect([id, name, found], code).toEqual([id, name, expected]);
        cells.push(`${id} ${name}`);
      }
    }
  }
  expect(cells.length).toBeGreaterThanOrEqual(50);
});

test("401 says how to authenticate, and whether what was shown was wrong", async () => {
  const { get } = await serve();
  expect((await get("/admin")).headers.get("www-authenticate")).toBe('Bearer realm="banyan"');
  const wrong = await get("/users/1", { headers: bearer("unknown-key-0123456789-0123456789") });
  expect([wrong.status, wrong.headers.get("www-authenticate")]).toEqual([
    401,
    'Bearer realm="banyan", error="invalid_token"',
  ]);
});

test("an authenticator that fails lets nobody in, whether it throws or rejects", async () => {
  for (const authenticate of [
    () => {
      throw new Error("policy database is down");
    },
    async () => {
      throw new Error("policy database is down");
    },
  ]) {
    const { get } = await serve({ authenticator: { authenticate } });
    const answer = await get("/users/1");
    expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining("policy")]);
  }
});

test("an authenticator may take its time", async () => {
  const { get } = await serve({
    authenticator: {
      authenticate: async ({ authorization }) => (authorization === undefined ? anonymousIdentity : undefined),
    },
  });
  expect((await get("/users/1")).status).toBe(200);
  expect((await get("/users/1", { headers: bearer(buyerKey) })).status).toBe(401);
});
