import type { Socket } from "node:net";
import { isEndless } from "../edge/connections.ts";
import { traceIdOf } from "../edge/trace.ts";
import { problemOf } from "./problem.ts";
import { refusal } from "./refusals.ts";

/**
 * Answers what Node could not read as a request, or did not get in time, and closes the connection: where a request's
 * end is in doubt, whatever follows on it is too. Nothing is said in the middle of an answer.
 */
export function answerUnparsed(error: Error & { code?: string }, socket: Socket): number | undefined {
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT" && isEndless(socket)) return undefined;
  const answering = (socket as Socket & { _httpMessage?: { headersSent: boolean } | null })._httpMessage;
  if (error.code === "ECONNRESET" || !socket.writable || answering?.headersSent) {
    socket.destroy();
    return undefined;
  }
  const { status, headers, body } = problemOf(refusalOf(error.code), traceIdOf(undefined), () => undefined);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = `content-length: ${Buffer.byteLength(body)}\r\n`;
  socket.end(`HTTP/1.1 ${status} Refused\r\n${lines.join("")}${length}connection: close\r\n\r\n${body}`, () =>
    socket.destroy(),
  );
  return status;
}

function refusalOf(code: string | undefined) {
  if (code === "HPE_HEADER_OVERFLOW")
    return refusal("headersTooLarge", "the headers are larger than this server takes");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return refusal("requestTimeout", "the request did not arrive in time");
  return refusal("malformedRequest", "what was sent is not HTTP/1.1 as RFC 9112 writes it");
}
