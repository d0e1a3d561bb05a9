import { busFaults } from "../bus-faults.ts";
import { flag, frameType } from "../frame/frame.ts";
import { fieldFlags, writeFields } from "../frame/request-frame.ts";
import type { Link } from "../link/link.ts";
import { sentDeadline } from "../link/peer-clock.ts";
import type { OutgoingCall } from "./outgoing-call.ts";

/** What a call leaves by: a link, or the way to a group. */
export type CallWay = Pick<Link, "writer" | "encoder" | "frameBytesMax">;

/** How a call is written. */
export interface CallHead {
  readonly id: number;
  readonly hasStream: boolean;
  /** By name, since nobody knows who gets it and how its actions are numbered. */
  readonly isNamed: boolean;
  readonly payloadBytesMax: number;
}

/**
 * Writes a call. Answers the payload where it is too large for a frame: it is to follow in chunks. Throws `bus.tooLarge`, or what
 * the codec says of an input that is none; then nothing was written.
 */
export function writeCall(way: CallWay, call: OutgoingCall, head: CallHead): Buffer | null {
  const { writer, encoder, frameBytesMax } = way;
  const flags = fieldFlags(call) | (head.hasStream ? flag.stream : 0) | (head.isNamed ? flag.named : 0);
  writeHead(way, call, { head, flags: flags | encoder.flags });
  const payload = encoder.close(writer, { value: call.input, frameBytesMax });
  if (payload === null) return null;
  if (payload.length > head.payloadBytesMax) throw tooLarge(call, head.payloadBytesMax);
  writeHead(way, call, { head, flags: flags | flag.chunked });
  if (writer.frameBytes > frameBytesMax) {
    writer.abandon();
    throw tooLarge(call, frameBytesMax);
  }
  writer.end();
  return payload;
}

function writeHead({ writer }: CallWay, call: OutgoingCall, { head, flags }: { head: CallHead; flags: number }): void {
  writer.begin(call.isOneWay ? frameType.oneWay : frameType.request, flags, head.id);
  try {
    writeFields(writer, call, { flags, action: call.action, name: call.name, deadline: sentDeadline(call.scope) });
  } catch (error) {
    writer.abandon();
    throw error;
  }
}

function tooLarge({ name }: OutgoingCall, payloadBytesMax: number): Error {
  return busFaults.tooLarge({ action: name, payloadBytesMax });
}
