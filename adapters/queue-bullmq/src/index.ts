export { type BullTicketsOptions, createBullTickets } from "./bull-tickets.ts";
