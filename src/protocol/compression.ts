import { gunzipSync } from 'node:zlib'
import { StreamError } from '../core/errors.ts'
import { corrupt } from './batch-header.ts'

/** Codec numbers of the batch attributes. */
export const compressionCodec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const

const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The greatest expansion accepted, so that a small hostile batch cannot fill the memory. */
const expansionMax = 1024
const inflatedBytesMax = 64 * 1024 * 1024

/**
 * The records section of a batch, decompressed.
 *
 * @throws {StreamError} `COMPRESSION_UNSUPPORTED` for codecs other than gzip: write the topic with gzip or none.
 * `BATCH_CORRUPT` for a codec that does not exist, and when the bytes do not inflate or would exceed 64 MB or 1,024 times
 * their size
 */
export function decompress(codec: number, compressed: Buffer): Buffer {
  if (codec >= codecNames.length) throw corrupt(`compression codec ${codec}, which does not exist`)
  if (codec !== compressionCodec.gzip) {
    throw new StreamError(
      'COMPRESSION_UNSUPPORTED',
      `a batch is compressed with ${codecNames[codec]}; this build reads none and gzip: set compression.type of its producer accordingly`,
    )
  }
  try {
    const maxOutputLength = Math.min(inflatedBytesMax, Math.max(65536, compressed.length * expansionMax))
    return gunzipSync(compressed, { maxOutputLength })
  } catch (error) {
    throw corrupt(`gzip does not inflate (${error instanceof Error ? error.message : error})`)
  }
}
