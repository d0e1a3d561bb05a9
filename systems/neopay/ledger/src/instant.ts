import * as z from "zod";

const earliest = Date.UTC(1900, 0, 1);
const latest = Date.UTC(2200, 0, 1);

/** An ISO 8601 instant with its offset, from 1900 to 2199; kept to the millisecond. */
export const instant = z.iso
  .datetime({ offset: true, error: "must be an instant such as 2026-11-21T09:30:00Z" })
  .refine(
    (text) => {
      const at = Date.parse(text);
      return at >= earliest && at < latest;
    },
    { error: "must lie in the years 1900 to 2199" },
  );

/** A calendar day, from 1900 to 2199. */
export const day = z.iso
  .date({ error: "must be a date such as 2026-11-21" })
  .refine((text) => Date.parse(text) >= earliest && Date.parse(text) < latest, {
    error: "must lie in the years 1900 to 2199",
  });

/** What is known of `instant` once it is stored: UTC with milliseconds. */
export const storedInstant = z.iso.datetime();
