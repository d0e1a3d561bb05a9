import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { eventually, type Probe, type ProbeNode } from "./probe.ts";

const newTopic = () => `probe.${randomBytes(6).toString("hex")}`;

/** What a node hears of a topic, once the bus knows that it listens: a broker may take a moment to. */
async function listen(node: ProbeNode, topic: string): Promise<{ heard: unknown[][]; stop: () => void }> {
  const heard: unknown[][] = [];
  const stop = node.exchange.subscribe(topic, (from, value) => heard.push([from.id, value]));
  await eventually(() => {
    node.exchange.publish(topic, "are we on?");
    expect(heard).toContainEqual([node.ref.id, "are we on?"]);
  });
  return { heard, stop };
}

const without = (heard: readonly unknown[][]) => heard.filter(([, value]) => value !== "are we on?");

export function topicClauses(probe: () => Probe): void {
  test("T1 every subscriber of a topic hears what is published, in order, and who said it", async () => {
    const topic = newTopic();
    const nodes = [await probe().node(), await probe().node(), await probe().node()] as const;
    const [speaker] = nodes;
    const heard = (await Promise.all(nodes.map((node) => listen(node, topic)))).map((one) => one.heard);
    const said = Array.from({ length: 50 }, (_, turn) => ({ turn }));
    await eventually(() => {
      speaker.exchange.publish(topic, "all here?");
      for (const one of heard) expect(one).toContainEqual([speaker.ref.id, "all here?"]);
    });
    for (const value of said) speaker.exchange.publish(topic, value);
    const expected = said.map((value) => [speaker.ref.id, value]);
    for (const one of heard) {
      await eventually(() => expect(without(one).filter(([, value]) => value !== "all here?")).toEqual(expected));
    }
  });

  test("T2 who listens to another topic, or no more, hears nothing", async () => {
    const [topic, otherTopic] = [newTopic(), newTopic()];
    const [speaker, listener] = [await probe().node(), await probe().node()];
    const stays = await listen(listener, topic);
    const leaves = await listen(listener, topic);
    const other = await listen(listener, otherTopic);
    leaves.stop();
    await eventually(() => {
      speaker.exchange.publish(topic, "news");
      expect(without(stays.heard)).toContainEqual([speaker.ref.id, "news"]);
    });
    expect(without(leaves.heard)).toEqual([]);
    expect(without(other.heard)).toEqual([]);
  });

  test("T3 what nobody subscribes to is known to be unheard, and what somebody does is not", async () => {
    const [topic, otherTopic] = [newTopic(), newTopic()];
    const [speaker, listener] = [await probe().node(), await probe().node()];
    const { heard } = await listen(listener, topic);
    const unheard: unknown[] = [];
    speaker.exchange.publish(topic, "heard", () => unheard.push("heard"));
    for (const turn of [1, 2]) speaker.exchange.publish(otherTopic, turn, () => unheard.push(turn));
    await eventually(() => expect(unheard).toEqual([1, 2]));
    await eventually(() => expect(heard).toContainEqual([speaker.ref.id, "heard"]));
    expect(unheard).toEqual([1, 2]);
  });

  test("T4 a listener that throws is reported, and goes on hearing", async () => {
    const topic = newTopic();
    const [speaker, listener] = [await probe().node(), await probe().node()];
    listener.exchange.subscribe(topic, (_, value) => {
      throw new Error(`cannot bear ${String(value)}`);
    });
    await eventually(() => {
      speaker.exchange.publish(topic, "one");
      speaker.exchange.publish(topic, "two");
      expect(listener.reported.map(String)).toContainEqual(expect.stringContaining("two"));
    });
    expect(listener.reported.map(String)).toContainEqual(expect.stringContaining("one"));
  });
}
