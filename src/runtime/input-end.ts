import type { AppContext } from '../checkpoint/app-context.ts'
import { unlessAborted } from '../core/abort.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import { crc32c } from '../protocol/crc32c.ts'
import type { InputSpec } from '../topology/plan.ts'

/** Where a task is in one input. */
export type InputPosition = TopicPartition & { readonly position: number }

/**
 * Whether a task has taken all that its inputs will ever hold (X18), as a token.
 *
 * A token says what an end was derived from: for sources the round of discovery, for all others their upstream's tokens
 * and the ends of the topics they read up to. An `ended` flag of an earlier run therefore never counts for this one:
 * its token is another.
 */
export class InputEnd {
  private readonly app: AppContext
  private readonly inputs: readonly InputSpec[]
  private readonly drains: boolean

  /** @param drains whether nothing is taken of outside topics: they are at their ends wherever they are */
  constructor(app: AppContext, inputs: readonly InputSpec[], drains = false) {
    this.app = app
    this.inputs = inputs
    this.drains = drains
  }

  /** Whether every outside topic is read to an end. */
  private get isBounded(): boolean {
    return this.drains || this.inputs.every((input) => input.topic.role !== 'external' || input.until === 'end')
  }

  /**
   * Fixes the ends of outside topics that are read to one, if they are not yet: before the first record is taken, so that
   * what comes later is another run's.
   * @param partitions of the inputs, in their order
   * @throws {StreamError} `JOB_CLOSED` when the job is stopped meanwhile
   */
  async fix(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.isBounded && !this.drains) await fixEnds(this.app, this.outside(partitions))
  }

  private outside<T extends TopicPartition>(partitions: readonly T[]): readonly T[] {
    return partitions.filter((_, index) => this.inputs[index]?.topic.role === 'external')
  }

  /**
   * @param upstream tokens of all upstream tasks, read before this is called
   * @returns null while there is, or may be, more to take
   */
  async token(upstream: readonly string[], positions: readonly InputPosition[]): Promise<string | null> {
    if (!this.isBounded) return null
    await this.fix(positions)
    const parts = [...new Set(upstream)].sort()
    if (this.drains && this.outside(positions).length > 0) parts.push(drained)
    const inside: InputPosition[] = []
    for (const [index, at] of positions.entries()) {
      if (this.drains && this.inputs[index]?.topic.role === 'external') continue
      const key = partitionKey(at.topic, at.partition)
      const end = this.app.inputEnds.get(key)
      if (end === undefined) inside.push(at)
      else if (at.position < end) return null
      else parts.push(`${key}@${end}`)
    }
    const [stable, high] = await Promise.all([
      this.app.admin.endOffsets(inside, 'stable'),
      this.app.admin.endOffsets(inside, 'high'),
    ])
    for (const at of inside) {
      const key = partitionKey(at.topic, at.partition)
      if (at.position !== stable.get(key) || at.position !== high.get(key)) return null
    }
    return tokenOf(parts)
  }
}

/**
 * Fixes the ends of partitions outside that a bounded job reads up to, where they are not yet.
 * @throws {StreamError} `JOB_CLOSED` when the job is stopped meanwhile
 */
export async function fixEnds(app: AppContext, outside: readonly TopicPartition[]): Promise<void> {
  const { inputEnds, admin, signal } = app
  const open = outside.filter(({ topic, partition }) => !inputEnds.has(partitionKey(topic, partition)))
  if (open.length === 0) return
  const ends = await unlessAborted(admin.endOffsets(open, 'high'), signal)
  for (const [key, end] of ends) inputEnds.set(key, end)
}

/** The token of what is at its end since nothing is taken of it any more. */
export const drained = 'drained'

/** A short text that is another for other parts. */
export function tokenOf(parts: readonly string[]): string {
  const text = Buffer.from(parts.join('\n'))
  return `${parts.length}.${crc32c(text, 0, text.length).toString(16)}`
}
