export type { JobPriority, RateLimit } from "../contract/action.ts";
export type {
  ClaimedJob,
  JobBacklog,
  JobFilter,
  JobQueue,
  JobReport,
  JobState,
  JobType,
  NewJob,
} from "../store/jobs.ts";
export type { Ticket, TicketQueue } from "./tickets.ts";
export type { JobOptions } from "./workers.ts";
