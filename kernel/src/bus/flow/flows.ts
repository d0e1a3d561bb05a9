import { type Frame, frameType, RefusedFrame, u32 } from "../frame/frame.ts";
import type { FlowIn, FlowInLink } from "./flow-in.ts";
import { brokenFlag, flowKey, flowKind } from "./flow-name.ts";
import type { FlowOutLink } from "./flow-out.ts";

/** The flows of a link, by `flowKey`. */
export type FlowLink = FlowInLink & FlowOutLink;

const kindMask = 3;

/** Hands a chunk, a credit or an end to its flow. Where there is none, the frame crossed with the flow's end and is skipped. */
export function flowFrame({ flowsIn, flowsOut }: FlowLink, frame: Frame): void {
  const { flags, bodyBytes } = frame;
  const key = flowKey({ call: frame.call, kind: flags & kindMask });
  if (bodyBytes < 4 || flags > (kindMask | brokenFlag)) throw new RefusedFrame("malformed");
  if (frame.type === frameType.chunk) {
    flowsIn.get(key)?.chunk(frame);
    return;
  }
  frame.expectBody(4);
  if (frame.type === frameType.end) flowsIn.get(key)?.end(frame);
  else flowsOut.get(key)?.granted(u32(frame.bytes, frame.bodyAt));
}

/** There is room again. Each flow has its turn: those that go now are the last the next time. */
export function resumeFlows(link: FlowOutLink): void {
  const { flowsOut } = link;
  for (const [key, flow] of [...flowsOut]) {
    if (link.isCongested) return;
    flow.pump();
    if (flowsOut.delete(key)) flowsOut.set(key, flow);
  }
}

/** A call is over, whatever was under way for it. */
export function dropFlows({ flowsIn, flowsOut }: FlowLink, call: number, reason: Error): void {
  if (flowsIn.size + flowsOut.size === 0) return;
  for (const kind of Object.values(flowKind)) {
    flowsIn.get(flowKey({ call, kind }))?.fail(reason);
    flowsOut.get(flowKey({ call, kind }))?.fail(reason);
  }
}

/** The link is over. */
export function dropAllFlows({ flowsIn, flowsOut }: FlowLink, reason: Error): void {
  const flows: readonly { fail: FlowIn["fail"] }[] = [...flowsIn.values(), ...flowsOut.values()];
  for (const flow of flows) flow.fail(reason);
}
