/*
 * Types that declarations of contracts and services name. Services infer them, and import them rarely: for a function that
 * several handlers call.
 */
export type { Command, Event, Job, Query, Signal, Workflow } from "./contract/action.ts";
export type { AnyContract, ContractParts } from "./contract/contract.ts";
export type { AnyFaultType, FaultDefinition, FaultType } from "./contract/fault.ts";
export type { Schema } from "./contract/schema.ts";
export type { CommandContext, EventContext, JobContext, QueryContext } from "./service/context.ts";
export type { BatchContext, Batched, BatchItem, NoUses, Projection, Subscription } from "./service/service.ts";
