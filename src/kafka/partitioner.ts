/**
 * murmur2 as the Java client computes it, seed 0x9747b28c. Every client that shares a topic must agree on it (R8).
 *
 * @param start where the key begins in `bytes`
 * @returns a signed 32-bit number
 */
export function murmur2(bytes: Uint8Array, start = 0, length: number = bytes.length): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  const words = length & ~3
  for (let i = start; i < start + words; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    k = Math.imul(k, m)
    h = Math.imul(h, m) ^ k
  }
  const tail = length - words
  if (tail > 2) h ^= (bytes[start + words + 2] as number) << 16
  if (tail > 1) h ^= (bytes[start + words + 1] as number) << 8
  if (tail > 0) {
    h ^= bytes[start + words] as number
    h = Math.imul(h, m)
  }
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}

/** The partition of a key, as Java's default partitioner chooses it. */
export function partitionOf(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount
}
