import { expect, inject, onTestFinished, test, vi } from "vitest";
import { createTestDatabase } from "../../../../tools/test-postgres.ts";
import { createAnnouncements } from "../../src/store/announcements.ts";

test("what is said of events alone is heard as that, and nothing else is", async () => {
  const { url, drop } = await createTestDatabase(inject("postgresUrl"));
  const [speaker, hearer] = [createAnnouncements({ url }), createAnnouncements({ url })];
  onTestFinished(async () => {
    await Promise.all([speaker.stop(), hearer.stop()]);
    await drop();
  });
  const heard: boolean[] = [];
  hearer.onAnnounced((eventsAlone) => heard.push(eventsAlone));
  // A lossy channel, open a moment after it was made.
  const says = (eventsAlone: boolean) =>
    vi.waitFor(
      () => {
        speaker.announce(eventsAlone);
        expect(heard).toContain(eventsAlone);
      },
      { timeout: 20_000, interval: 50 },
    );
  await says(true);
  heard.length = 0;
  await says(false);
  // One window's worth together.
  heard.length = 0;
  await vi.waitFor(
    () => {
      speaker.announce(true);
      speaker.announce(false);
      expect(heard.filter((eventsAlone) => !eventsAlone).length).toBeGreaterThan(1);
    },
    { timeout: 20_000, interval: 50 },
  );
});
