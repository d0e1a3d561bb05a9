import { spawnAcquirer, testCards } from "@banyan/neopay-acquirer";
import { Token } from "@banyan/neopay-acquirer/contract";
import { expect, onTestFinished, test } from "vitest";
import { createAcquirerClient } from "../src/acquirer/client.ts";

test("an answer that is written twice is never taken for that of the next question", async () => {
  const { url, close } = await spawnAcquirer();
  onTestFinished(close);
  const { operate, close: hangUp } = createAcquirerClient({ url });
  onTestFinished(hangUp);
  const response = await fetch(`${url}/v1/tokens`, {
    method: "POST",
    body: JSON.stringify({ number: testCards.twice }),
  });
  const { token } = Token.parse(await response.json());
  const authorize = { kind: "authorize", token, amountMinor: 1, currency: "EUR", merchant: "acme" } as const;
  const answered: string[] = [];
  for (let turn = 0; turn < 20; turn += 1) {
    // A connection that holds a stray answer fails and is closed; asking again is what a caller does.
    const ask = () => operate(`a${turn}`, authorize);
    answered.push((await ask().catch(ask)).key);
  }
  expect(answered).toEqual(Array.from({ length: 20 }, (_, turn) => `a${turn}`));
});

test("an acquirer that is not there, or refuses what it is asked, is an error", async () => {
  const { url, close } = await spawnAcquirer();
  const { operate, close: hangUp } = createAcquirerClient({ url });
  onTestFinished(hangUp);
  const misspelt = { kind: "capture", authorization: "a b", amountMinor: 1 } as const;
  await expect(operate("c1", misspelt)).rejects.toThrow("answered 400 to capture c1");
  await close();
  await expect(operate("c1", { ...misspelt, authorization: "a1" })).rejects.toThrow();
});
