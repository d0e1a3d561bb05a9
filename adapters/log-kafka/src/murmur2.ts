/**
 * The hash by which Kafka's own clients choose a key's partition, so that others who write to the topic keep the order of its
 * keys too. https://github.com/apache/kafka/blob/4.1.0/clients/src/main/java/org/apache/kafka/common/utils/Utils.java (murmur2)
 */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { byteLength: length } = view;
  const rest = length & ~3;
  let hash = 0x9747b28c ^ length;
  for (let at = 0; at < rest; at += 4) {
    const word = Math.imul(view.getInt32(at, true), multiplier);
    hash = Math.imul(hash, multiplier) ^ Math.imul(word ^ (word >>> 24), multiplier);
  }
  if (rest < length) {
    for (let at = rest; at < length; at++) hash ^= view.getUint8(at) << (8 * (at - rest));
    hash = Math.imul(hash, multiplier);
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier);
  return hash ^ (hash >>> 15);
}

const multiplier = 0x5bd1e995;
