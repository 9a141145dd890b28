import { logRecords } from './level-log.ts'

/** A batch of writes begins with the sequence number of its first write, 8 bytes, and how many there are, 4 bytes. */
const batchHeaderBytes = 12

/**
 * Checks the write-ahead logs of a database, which LevelDB is about to replay, oldest first.
 *
 * A bad end is what a crash leaves; LevelDB drops it, and the store is an older one then. A bad record with good ones behind
 * it, in the same log or in a later one, would be a hole in the middle, and so would a record that is simply not there: each
 * says with its sequence number which one it follows.
 */
export class LogCheck {
  private bad: string | null = null
  private expected: bigint | null = null

  /** @returns what is wrong, as the end of a sentence, or null */
  add(name: string, bytes: Buffer): string | null {
    for (const { at, content } of logRecords(bytes)) {
      if (content === null || content.length < batchHeaderBytes) {
        this.bad ??= `${name}: its record at ${at} is damaged`
        continue
      }
      if (this.bad !== null) return this.bad
      const sequence = content.readBigUInt64LE(0)
      if (this.expected !== null && sequence !== this.expected) {
        return `${name}: its record at ${at} does not follow the one before it`
      }
      this.expected = sequence + BigInt(content.readUInt32LE(8))
    }
    return null
  }
}
