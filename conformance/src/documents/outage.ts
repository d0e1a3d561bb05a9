import { expect, onTestFinished, test } from "vitest";
import { endingOf, losses, lost, restore } from "../outage/losing.ts";
import { type DocumentsProbe, fresh, opened, post, setOf } from "./probe.ts";

/** What clients have while their engine is away, and afterwards: G8. */
export function outageClauses(probe: () => DocumentsProbe): void {
  test.each(losses)(
    "G8 an engine that is %s: all raises documents.unavailable in time, and then goes on",
    async (how) => {
      const { way } = probe().fixture;
      onTestFinished(() => restore(way));
      const set = setOf(await probe().documents());
      const known = post();
      const insertions = fresh([post()]);
      await set.insert(fresh([known]));
      const questions = [
        () => set.insert(insertions),
        () => set.get(known.room, known.id),
        () => set.find({ where: { room: known.room }, limit: 1 }),
        () => set.delete({ author: "nobody" }),
        () => set.known(),
      ];
      const all = questions.map(() => ({ code: "documents.unavailable", isInTime: true }));
      expect(await lost(way, how, questions)).toEqual(all);
      if (how === "gone") expect(await Promise.all(questions.map(endingOf))).toEqual(all);
      restore(way);
      const again = () => set.get(known.room, known.id).catch(({ code }) => code);
      await expect.poll(again, { timeout: 20_000, interval: 20 }).toEqual(known);
      expect(await set.insert(insertions)).toEqual(["inserted"]);
    },
  );

  test.each(losses)("G8 an engine that is %s lets nobody open it, in time", async (how) => {
    const { way, createDocuments } = probe().fixture;
    onTestFinished(() => restore(way));
    const documents = createDocuments();
    const ending = { code: "documents.unavailable", isInTime: true };
    expect(await lost(way, how, [() => opened(documents)])).toEqual([ending]);
    await documents.close({ deadlineMs: 1_000 });
  });
}
