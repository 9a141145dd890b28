import { StreamError } from '../../core/errors.ts'
import { batchChecksum, batchHeaderBytes, batchLayout, batchSizeAt } from '../../protocol/batch-header.ts'
import type { SegmentFile } from '../storage/broker-storage.ts'

/**
 * Tells damage from a write that a crash tore: behind a torn write there is nothing. Where a whole batch or another file
 * follows, what was acknowledged has been changed or lost since, and cutting it off would lose what follows, too.
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
  if (!isFollowed && batchBehind(found, nextOffset) < 0) return
  throw damaged(log, `is damaged ${from} bytes into a file of ${file.sizeBytes}, and good records stand behind that`)
}

/**
 * Refuses a file that does not begin where the one before it ends: what stood between them is gone.
 * @throws {StreamError} `BROKER_STORAGE_CORRUPT` naming the log and both offsets
 */
export function refuseGap(log: string, endOffset: number, baseOffset: number): never {
  throw damaged(log, `has nothing from offset ${endOffset} on, and goes on at offset ${baseOffset}`)
}

function damaged(log: string, finding: string): StreamError {
  return new StreamError(
    'BROKER_STORAGE_CORRUPT',
    `the embedded broker's log ${log} ${finding}: nothing was changed; restore the broker's directory from a copy, or move it away and begin anew`,
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
