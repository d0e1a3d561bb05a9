import { Token } from "@banyan/neopay-acquirer/contract";

/** Where payments find their acquirer, and how one is opened on this machine for as long as it takes. */
export interface AcquirerSource {
  readonly url: string;
  open(at: { readonly port: number }): Promise<{ close(): Promise<void> }>;
}

/** The card that every acquirer for tests takes. */
const goodCard = "4242424242424242";

/** Opens an acquirer where payments look for one, unless one listens there. Throws where it is elsewhere and away, or another program is there. */
export async function openUnlessThere({ url, open }: AcquirerSource): Promise<{ close(): Promise<void> } | null> {
  const answer = await fetch(`${url}/v1/totals`).catch(() => undefined);
  if (answer?.ok) return null;
  if (answer !== undefined)
    throw new Error(
      `${url} is another program's: say in ACQUIRER_URL where the acquirer may be, here and for banyan start`,
    );
  const { hostname, port } = new URL(url);
  if (hostname !== "127.0.0.1" && hostname !== "localhost") throw new Error(`no acquirer answers at ${url}`);
  return await open({ port: Number(port) });
}

/** What stands for a card at the acquirer. */
export async function cardToken(url: string): Promise<string> {
  const answer = await fetch(`${url}/v1/tokens`, { method: "POST", body: JSON.stringify({ number: goodCard }) });
  return Token.parse(await answer.json()).token;
}
