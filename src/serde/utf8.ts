import { Buffer, isUtf8 } from 'node:buffer'

/** UTF-8 of a text. A lone surrogate has none and is written as U+FFFD, as everywhere. */
export function encodeUtf8(text: string): Uint8Array {
  return Buffer.from(text, 'utf8')
}

/** The text of UTF-8 bytes; what is not UTF-8 reads as U+FFFD, and a byte order mark is kept. Copies, as all strings do. */
export function decodeUtf8(bytes: Uint8Array): string {
  const view = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return view.toString('utf8')
}

/** As {@link decodeUtf8}, of `buffer[start, end)`. */
export function decodeUtf8Range(buffer: Buffer, start: number, end: number): string {
  return buffer.utf8Slice(start, end)
}

/** Whether `buffer[start, end)` is UTF-8. ASCII is found out without a view, whose making costs more than 50 bytes' check. */
export function isUtf8Range(buffer: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) {
    if ((buffer[at] as number) > 0x7f) return isUtf8(buffer.subarray(at, end))
  }
  return true
}
