/** Reads LevelDB's variable-length integers, one behind the other. Beyond the end there are zeros. */
export class Varints {
  private readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  /** Whether all of it was read. */
  get isDone(): boolean {
    return this.at >= this.bytes.length
  }

  next(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.bytes[this.at++] ?? 0
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  /** Passes over bytes that are written with their length. */
  skip(): void {
    const length = this.next()
    this.at += length
  }
}
