/** sun_path holds 104 bytes on macOS and 108 on Linux, the closing zero included. */
const pathBytesMax = 103;

/** Whether a socket can lie there: what is longer, no system binds. */
export function holdsSocket(path: string): boolean {
  return Buffer.byteLength(path) <= pathBytesMax;
}
