/**
 * How a card, and every operation on what was authorised with it, behaves.
 * silent: the operation is done, its first answer never comes. deaf: the first request is not heard at all. late: the first answer
 * comes after `lateMs`. twice: each answer is written twice. forgetful: the authorization is forgotten once it was approved.
 * mute: no answer ever comes, though all is done.
 */
export type Behaviour =
  | "approves"
  | "doNotHonor"
  | "insufficientFunds"
  | "silent"
  | "deaf"
  | "late"
  | "twice"
  | "forgetful"
  | "mute";

/** The numbers to try things with; any other number approves. All pass the check of ISO/IEC 7812. */
export const testCards = {
  approves: "4242424242424242",
  doNotHonor: "4000000000000002",
  insufficientFunds: "4000000000009995",
  silent: "4000000000000101",
  deaf: "4000000000000119",
  late: "4000000000000127",
  twice: "4000000000000135",
  forgetful: "4000000000000143",
  mute: "4000000000000150",
} as const satisfies Record<Behaviour, string>;

const byNumber = new Map<string, Behaviour>(
  Object.entries(testCards).map(([behaviour, number]) => [number, behaviour as Behaviour]),
);

export function behaviourOf(number: string): Behaviour {
  return byNumber.get(number) ?? "approves";
}
