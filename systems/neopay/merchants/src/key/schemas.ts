import * as z from "zod";

const instant = z.iso.datetime();
const dayMs = 86_400_000;

export const merchantCode = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, {
  error: "must be 1 to 40 lower-case letters, digits, dashes or underscores, such as acme",
});

/** What a merchant's key may be for: to look, and to act. Both of its own merchant's payments alone. */
const KeyPermission = z.enum(["payments:read", "payments:write"]);

export const CreateKey = z.strictObject({
  code: merchantCode,
  /** What it is for, for people. */
  name: z.string().trim().min(1).max(100),
  permissions: z.array(KeyPermission).min(1).max(2).default(["payments:read", "payments:write"]),
});

export const AtKey = z.strictObject({ code: merchantCode, id: z.uuid() });

export const RotateKey = AtKey.extend({
  /** How long the key before is taken, too; a day where absent. 0: not any more. */
  overlapMs: z
    .int()
    .min(0)
    .max(7 * dayMs)
    .default(dayMs),
});

/** A key as it is told of later: masked. */
export const Key = z.strictObject({
  id: z.uuid(),
  merchant: z.string(),
  name: z.string(),
  permissions: z.array(KeyPermission),
  /** Its beginning and end: npk_3kF9…x2Qa. */
  hint: z.string(),
  createdAt: instant,
  createdBy: z.string(),
  /** Until when the key before it was rotated is taken, too. */
  oldUntil: instant.nullable(),
  /** From then on it is refused. */
  revokedAt: instant.nullable(),
});
export type Key = z.output<typeof Key>;

/** `key` is told here and nowhere else. */
export const NewKey = Key.extend({ key: z.string() });

/** Who has a key, for who lets callers in. */
export const KeyHolder = z.object({
  id: z.uuid(),
  tenant: z.string(),
  merchant: z.string(),
  permissions: z.array(KeyPermission),
});
