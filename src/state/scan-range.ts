import { storeKey } from './row-format.ts'
import type { Range } from './state-backend.ts'

/** Which rows a scan goes through, by key bytes without the prefix of the store. */
export interface ScanRange extends Range {
  /** Only keys that begin so, of those between `from` and `to`. */
  readonly prefix?: Uint8Array
}

/** A range of store keys, both bounds given. */
export interface KeyRange {
  /** Included. */
  readonly from: Buffer
  /** Excluded. */
  readonly to: Buffer
  /** Greatest key first. */
  readonly reverse: boolean
}

/** The store keys of a scan under a prefix. */
export function keyRange(prefix: number, scan: ScanRange): KeyRange {
  const begin = storeKey(prefix, scan.prefix ?? none)
  const from = scan.from === undefined ? begin : storeKey(prefix, scan.from)
  const end = behindPrefix(begin)
  const to = scan.to === undefined ? end : storeKey(prefix, scan.to)
  return {
    from: Buffer.compare(from, begin) < 0 ? begin : from,
    to: Buffer.compare(to, end) > 0 ? end : to,
    reverse: scan.reverse === true,
  }
}

/** What is left of a range behind a key, in its order. */
export function behind(key: Buffer, range: KeyRange): KeyRange {
  return range.reverse ? { ...range, to: key } : { ...range, from: Buffer.concat([key, zero]) }
}

const none = new Uint8Array(0)
/** The next key behind another is that with a zero byte more. */
const zero = Buffer.alloc(1)

/** The first key that does not begin like a store key, whose own prefix is never the greatest byte. */
function behindPrefix(key: Buffer): Buffer {
  let length = key.length
  while (key[length - 1] === 0xff) length--
  const end = Buffer.from(key.subarray(0, length))
  end[length - 1] = (end[length - 1] as number) + 1
  return end
}
