import { type Consumer, Kafka, logLevel } from 'kafkajs'

/**
 * Follows a topic of counts under read_committed, as a foreign consumer: the last count of each word, and every count that
 * was not greater than the one before.
 */
export class OutputWatch {
  readonly counts = new Map<string, number>()
  /** `word: before > after`; empty as long as nothing was taken back or counted anew. */
  readonly steppedBack: string[] = []
  private readonly consumer: Consumer
  private readonly topic: string
  private waiting: { readonly isEnough: () => boolean; readonly resolve: () => void }[] = []

  constructor(brokers: string, topic: string) {
    this.topic = topic
    this.consumer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).consumer({
      groupId: `watch-${topic}`,
      readUncommitted: false,
      maxWaitTimeInMs: 100,
    })
  }

  async start(): Promise<void> {
    await this.consumer.connect()
    await this.consumer.subscribe({ topics: [this.topic], fromBeginning: true })
    await this.consumer.run({
      eachMessage: async ({ message }) => {
        const word = String(message.key)
        const count = Number(message.value?.readBigInt64BE(0))
        const before = this.counts.get(word) ?? 0
        if (count <= before) this.steppedBack.push(`${word}: ${before} > ${count}`)
        this.counts.set(word, count)
        this.waiting = this.waiting.filter(({ isEnough, resolve }) => !isEnough() || resolve())
      },
    })
  }

  /** Resolves when every word has at least its count. */
  reached(expected: ReadonlyMap<string, number>): Promise<void> {
    const isEnough = (): boolean => [...expected].every(([word, count]) => (this.counts.get(word) ?? 0) >= count)
    return new Promise((resolve) => {
      if (isEnough()) resolve()
      else this.waiting.push({ isEnough, resolve })
    })
  }

  async stop(): Promise<void> {
    await this.consumer.disconnect()
  }
}
