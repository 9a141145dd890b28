import { type Facts, fact } from '../storage/facts.ts'

/** Ids taken from the facts at once, so that handing one out seldom writes. What a crash leaves unused is skipped. */
const blockSize = 1000

/** Hands out producer ids, each once in the life of the broker's directory. */
export class ProducerIds {
  private readonly facts: Facts
  private next: number
  private blockEnd: number
  private reserving: Promise<void> | null = null

  constructor(facts: Facts) {
    this.facts = facts
    this.next = facts.take<number>('producer-ids')[0]?.value ?? 0
    this.blockEnd = this.next
  }

  async take(): Promise<number> {
    while (this.next >= this.blockEnd) {
      this.reserving ??= this.reserve()
      await this.reserving
    }
    return this.next++
  }

  private async reserve(): Promise<void> {
    try {
      await this.facts.write([fact('producer-ids', [], this.blockEnd + blockSize)])
      this.blockEnd += blockSize
    } finally {
      this.reserving = null
    }
  }
}
