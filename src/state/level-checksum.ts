import { crc32c } from '../protocol/crc32c.ts'

/** The checksum of bytes as LevelDB stores it: turned and shifted, so that the checksum of bytes that hold one is not a constant. */
export function levelChecksum(bytes: Buffer, from: number, to: number): number {
  const crc = crc32c(bytes, from, to)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
