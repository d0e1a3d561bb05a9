import { query } from "@banyan/kernel";
import { eventTypes, instantOf } from "@banyan/user-events-formats";
import * as z from "zod";

const dayMs = 86_400_000;
const daysMax = 93;
/** How old an answer may be that many people look at. */
const cache = { ttlMs: 5_000 } as const;

const instant = z.iso.datetime();
const when = z
  .string()
  .refine((text) => (instantOf(text) ?? -1) >= 0, "write it as 2026-11-21T12:30:00Z, from 1970 on")
  .describe("An instant in ISO 8601");
/** `from` inclusive, `to` exclusive. */
const span = { from: when, to: when, source: z.string().optional() };
const isSpan = ({ from, to }: { from: string; to: string }) => {
  const ms = (instantOf(to) ?? 0) - (instantOf(from) ?? 0);
  return ms > 0 && ms <= daysMax * dayMs;
};
const notSpan = { path: ["to"], message: `to must come after from, by ${daysMax} days at most` };

const Session = z.object({
  person: z.string(),
  startedAt: instant,
  endedAt: instant,
  events: z.int(),
  /** Names of the first and the last event, or their types. */
  first: z.string(),
  last: z.string(),
});

/** What is asked of many events at once. Answers that are cached may be five seconds old, and no older. */
export const insightQueries = {
  /** A session ends with half an hour in which nothing happens. One that goes on for longer than a day before `from` is cut. */
  sessions: query({
    summary: "What people did without a pause of half an hour, by when it began",
    input: z
      .strictObject({
        ...span,
        /** An id of the person. */
        person: z.string().optional(),
        /** `next` of the page before. */
        after: z.string().max(300).optional(),
        limit: z.int().min(1).max(1_000).default(100),
      })
      .refine(isSpan, notSpan),
    output: z.object({ sessions: z.array(Session), next: z.string().nullable() }),
    faults: ["malformedCursor"],
    http: "GET /v1/sessions",
    access: "events:read",
  }),
  funnel: query({
    summary: "How many people did one thing after the other, in time",
    input: z
      .strictObject({
        ...span,
        /** Names of tracked events, in order; others may lie between. */
        step: z.array(z.string()).min(2).max(10),
        /** From the first step to the last. */
        withinMs: z
          .int()
          .min(1)
          .max(daysMax * dayMs)
          .default(7 * dayMs),
      })
      .refine(isSpan, notSpan),
    output: z.object({ steps: z.array(z.object({ name: z.string(), people: z.int() })) }),
    http: "GET /v1/funnels",
    cache,
    access: "events:read",
  }),
  retention: query({
    summary: "How many people came back so many days or weeks after they first came",
    input: z.strictObject({ ...span, every: z.enum(["day", "week"]).default("day") }).refine(isSpan, notSpan),
    output: z.object({
      cohorts: z.array(
        z.object({
          /** When the period began in which they first came, counted from `from`. */
          startsAt: instant,
          /** In that period, one period later, and so on. */
          people: z.array(z.int()),
        }),
      ),
    }),
    http: "GET /v1/retention",
    cache,
    access: "events:read",
  }),
  rollups: query({
    summary: "How many events of each kind there were, and of how many people, by the hour or the day",
    input: z
      .strictObject({
        ...span,
        every: z.enum(["hour", "day"]).default("hour"),
        type: z.enum(eventTypes).optional(),
        /** Only the largest. */
        limit: z.int().min(1).max(10_000).default(1_000),
      })
      .refine(isSpan, notSpan),
    output: z.object({
      rollups: z.array(
        z.object({
          startsAt: instant,
          source: z.string(),
          type: z.enum(eventTypes),
          name: z.string().nullable(),
          events: z.int(),
          people: z.int(),
        }),
      ),
    }),
    http: "GET /v1/rollups",
    cache,
    access: "events:read",
  }),
};
