import { type Handler, pageOf } from "@banyan/kernel";
import { instantOf, isoOf } from "@banyan/user-events-formats";
import type { events } from "../contract.ts";
import { furthestStep } from "./furthest-step.ts";
import {
  type FoundSession,
  type Span,
  selectCourses,
  selectReturning,
  selectRollups,
  selectSessions,
} from "./insight-store.ts";

type Context = Parameters<Handler<typeof events.retention>>[0];

function spanOf(
  { identity }: Context,
  { from, to, source }: { from: string; to: string; source?: string | undefined },
) {
  return { tenant: identity.tenant, from, to, source: source ?? null } satisfies Span;
}

/** Sessions, by when they began. */
export const listSessions: Handler<typeof events.sessions> = async (ctx, { person = null, after, limit, ...span }) => {
  const cursor = after === undefined ? null : cursorOf(after);
  if (cursor === undefined) throw ctx.faults.malformedCursor();
  const wanted = { person, after: cursor, limit: limit + 1 };
  const found = await selectSessions(ctx.sql, spanOf(ctx, span), wanted);
  const { page, next } = pageOf(found, limit, (last) => `${last.startedAt}.${last.person}`);
  const sessions = page.map((one) => ({ ...one, startedAt: isoOf(one.startedAt), endedAt: isoOf(one.endedAt) }));
  return { sessions, next };
};

function cursorOf(text: string): Pick<FoundSession, "startedAt" | "person"> | undefined {
  const [, startedAt, person] = /^(\d{1,13})\.(.+)$/.exec(text) ?? [];
  return person === undefined ? undefined : { startedAt: Number(startedAt), person };
}

/** How many people came as far as each step. */
export const readFunnel: Handler<typeof events.funnel> = async (ctx, { step: steps, withinMs, ...span }) => {
  const courses = await selectCourses(ctx.sql, spanOf(ctx, span), steps);
  const furthest = courses.map((course) => furthestStep(steps, course, withinMs));
  return { steps: steps.map((name, at) => ({ name, people: furthest.filter((step) => step > at).length })) };
};

const dayMs = 86_400_000;
const periodsMs = { day: dayMs, week: 7 * dayMs } as const;

/** Who came back, by when they first came. */
export const readRetention: Handler<typeof events.retention> = async (ctx, { every, ...span }) => {
  const periodMs = periodsMs[every];
  const returning = await selectReturning(ctx.sql, spanOf(ctx, span), periodMs);
  const from = instantOf(span.from) as number;
  const cohorts = [...Map.groupBy(returning, ({ cohort }) => cohort)].map(([cohort, rows]) => {
    const last = Math.max(...rows.map(({ later }) => later));
    const people = Array.from({ length: last + 1 }, (_, later) => rows.find((row) => row.later === later)?.people ?? 0);
    return { startsAt: isoOf(from + cohort * periodMs), people };
  });
  return { cohorts };
};

/** Counts by the hour or the day. */
export const readRollups: Handler<typeof events.rollups> = async (ctx, { every, type = null, limit, ...span }) => {
  const rollups = await selectRollups(ctx.sql, spanOf(ctx, span), { every, type, limit });
  return { rollups: rollups.map((one) => ({ ...one, startsAt: isoOf(one.startsAt) })) };
};
