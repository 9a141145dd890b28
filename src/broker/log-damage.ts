import { StreamError } from '../core/errors.ts'
import { batchChecksum, batchHeaderBytes, batchLayout, batchSizeAt } from '../protocol/batch-header.ts'
import type { SegmentFile } from './broker-storage.ts'

/**
 * Tells damage from a write that a crash tore: behind a torn write there is nothing. Where a whole batch follows, what was
 * acknowledged has been changed since, and cutting it off would lose what follows, too. At the end of a file that another
 * follows, a batch of its full length is damaged; a shorter one may be what a power loss left.
 *
 * @param from where the first batch stands that is not whole, in bytes
 * @param nextOffset the offset that it should begin with
 * @param isFollowed whether the log has another file with something in it
 * @throws {StreamError} `BROKER_STORAGE_CORRUPT` naming the log and the place
 */
export async function refuseDamage(
  log: string,
  file: SegmentFile,
  from: number,
  nextOffset: number,
  isFollowed: boolean,
): Promise<void> {
  const rest = Buffer.allocUnsafeSlow(file.sizeBytes - from)
  const read = await file.read(from, rest)
  const found = rest.subarray(0, read)
  if (batchBehind(found, nextOffset) < 0 && !(isFollowed && sizeAt(found, 0) > 0)) return
  throw new StreamError(
    'BROKER_STORAGE_CORRUPT',
    `the embedded broker's log ${log} is damaged ${from} bytes into a file of ${file.sizeBytes}, and good records stand behind that: nothing was changed; restore the broker's directory from a copy, or move it away and begin anew`,
  )
}

/** Where the first whole batch of `bytes` stands that is not at their start and whose checksum is right; -1 for none. */
function batchBehind(bytes: Buffer, nextOffset: number): number {
  for (let at = 1; at + batchHeaderBytes <= bytes.length; at++) {
    // Two bytes that nearly every other place gets wrong, before anything dearer is looked at.
    if (bytes[at + batchLayout.magic] !== 2 || bytes[at] !== 0) continue
    if (isBatch(bytes, at, nextOffset)) return at
  }
  return -1
}

function isBatch(bytes: Buffer, at: number, nextOffset: number): boolean {
  const size = sizeAt(bytes, at)
  if (size === 0 || bytes.readBigInt64BE(at) < BigInt(nextOffset)) return false
  return bytes.readUInt32BE(at + batchLayout.crc) === batchChecksum(bytes, at, size)
}

/** The size of what looks like a whole batch; 0 for what does not. */
function sizeAt(bytes: Buffer, at: number): number {
  try {
    return batchSizeAt(bytes, at, bytes.length)
  } catch (error) {
    if (error instanceof StreamError) return 0
    throw error
  }
}
