import { randomBytes } from "node:crypto";
import { type Bus, busFaults, type Exchange, type OutgoingCall } from "@banyan/kernel/bus";
import { expect, type TestContext, test } from "vitest";
import { eventually, type Probe } from "./probe.ts";

const newGroup = () => `probe-${randomBytes(6).toString("hex")}`;

const asked = (exchange: Exchange, group: string, call: OutgoingCall) =>
  new Promise((answered, failed) => exchange.askGroup(group, call, { answered, failed }));

export function groupClauses(probe: () => Probe): void {
  /** Skips where the bus declares that it has no groups. */
  const grouped = (name: string, clause: () => Promise<void>) =>
    test(name, async ({ skip }: TestContext) => {
      const bus: Bus = probe().fixture.createBus();
      if (!bus.traits.groups) skip("it has no groups");
      await clause();
    });

  grouped("G1 each call to a group reaches one member, and all members get some", async () => {
    const group = newGroup();
    const caller = await probe().node();
    const members = [await probe().node(), await probe().node(), await probe().node()];
    for (const { exchange } of members) exchange.join(group);
    let sent = 0;
    await eventually(async () => {
      for (let turn = 0; turn < 20; turn++) {
        expect(await asked(caller.exchange, group, caller.call(sent))).toBe(sent);
        sent++;
      }
      for (const { came } of members) expect(came.length).toBeGreaterThan(0);
    });
    expect(members.flatMap(({ came }) => came)).toHaveLength(sent);
    expect(members[0]?.came[0]).toMatchObject({ name: "probe.echo", action: 0, from: { id: caller.ref.id } });
  });

  grouped("G2 a group without a member is unavailable at once, and so is one that all have left", async () => {
    const group = newGroup();
    const [caller, member] = [await probe().node(), await probe().node()];
    const none = { code: busFaults.unavailable.code, retry: "yes" };
    await expect(asked(caller.exchange, group, caller.call(1))).rejects.toMatchObject(none);
    const leave = member.exchange.join(group);
    await eventually(async () => expect(await asked(caller.exchange, group, caller.call(2))).toBe(2));
    leave();
    await eventually(async () => {
      await expect(asked(caller.exchange, group, caller.call(3))).rejects.toMatchObject(none);
    });
  });

  grouped("G3 a call to a group has its deadline and its faults as any other", async () => {
    const group = newGroup();
    const caller = await probe().node();
    const member = await probe().node(({ scope }) => {
      throw busFaults.tooLarge({ action: "probe.echo", payloadBytesMax: Math.ceil(scope.budgetMs) });
    });
    member.exchange.join(group);
    const call = () => caller.call("x".repeat(10_000), { scope: caller.scope(3_000) });
    const failure = await eventually(async () => {
      const fault = await asked(caller.exchange, group, call()).catch((error: unknown) => error);
      expect(fault).toMatchObject({ code: "bus.tooLarge" });
      return fault as { details: { payloadBytesMax: number } };
    });
    expect(failure.details.payloadBytesMax).toBeGreaterThan(1_000);
    expect(failure.details.payloadBytesMax).toBeLessThanOrEqual(3_000);
  });
}
