import { messageOf, StreamError } from '../core/errors.ts'
import { visible } from '../core/printed.ts'
import { type Random, seededRandom } from '../core/random.ts'
import type { Wait } from '../operators/processor-context.ts'
import { crc32c } from '../protocol/crc32c.ts'
import type { ErrorPolicy } from '../topology/node.ts'
import type { OwnUnit } from './own-units.ts'
import type { RecordQueue } from './record-queue.ts'

/** Not read in this unit. */
const unread = -1

/**
 * One unit of work while it is worked on: a record, or what an operator does by itself. What it has done, what it has read of
 * time and chance, and what it waits for.
 *
 * One object serves all units of a task that do not wait: it is begun anew for each.
 */
export class Unit {
  /** Whether it has done anything that an abort would have to undo (X7). */
  hasEffects = false
  /** Whether it was given up, so that it may have no effects any more. */
  isOver = false
  /** What it waits for, in the order in which that began. */
  readonly waits: Wait[] = []
  private queue: RecordQueue | null = null
  private offset = 0
  private own: OwnUnit | null = null
  private wallMs = unread
  private drawn: Random | null = null

  /** The unit is a record, just taken from its queue. Runs for every record. */
  beginRecord(queue: RecordQueue): void {
    this.queue = queue
    this.offset = queue.offset
    this.own = null
    this.begin()
  }

  /** The unit is an operator's own work. */
  beginOwn(own: OwnUnit): void {
    this.queue = null
    this.own = own
    this.begin()
  }

  private begin(): void {
    this.hasEffects = false
    this.wallMs = unread
    this.drawn = null
  }

  /** Whether it is not through when the call that began it returns. */
  get isWaiting(): boolean {
    return this.waits.length > 0
  }

  /** Whether nothing else may begin before it is through. */
  get holdsTask(): boolean {
    return this.waits.some(({ holds }) => holds === 'task')
  }

  /** What a replay knows it by: the same unit has the same name again, and no other has it. */
  get name(): string {
    const { queue, own } = this
    if (own === null) return `${queue?.key}@${this.offset}`
    const { time, key, label = '' } = own.work
    return `${own.owner.operator} by ${own.clock} at ${time} of ${key === null ? '-' : hex(key)} ${label}`
  }

  /** What becomes of it when it fails. */
  get policy(): ErrorPolicy {
    return this.own?.owner.policy ?? this.queue?.input.errors.process ?? 'fail'
  }

  /** It is not done, and its policy lets the task go on: what comes again by itself is struck off. A record is taken already. */
  passOver(): void {
    this.own?.work.passOver()
  }

  /** Wall time, read at the first call. @param read the task's wall time */
  now(read: () => number): number {
    if (this.wallMs === unread) this.wallMs = read()
    return this.wallMs
  }

  /** Uniform in [0, 1): the numbers follow from the unit's name. */
  random(): number {
    if (this.drawn === null) {
      const name = Buffer.from(this.name)
      this.drawn = seededRandom(crc32c(name, 0, name.length))
    }
    return this.drawn.next()
  }

  /** Its failure, by name. */
  failed(taskName: string, error: unknown): StreamError {
    const code = error instanceof StreamError ? error.code : 'RECORD_PROCESSING'
    const said = `failed in task ${taskName}: ${messageOf(error)}; mend the pipeline, or pass over such`
    const remedy = `with { onProcessError: 'skip' }`
    if (this.own === null) {
      const { queue, offset } = this
      const at = queue === null ? {} : { topic: queue.topic, partition: queue.partition, offset }
      return new StreamError(code, `the record ${this.name} ${said} records ${remedy}`, {
        taskId: taskName,
        ...at,
        cause: error,
      })
    }
    const { clock, owner, work } = this.own
    const what = work.label === undefined ? 'work' : `work ${work.label}`
    const of = work.key === null ? '' : ` for the key ${shown(work.key)}`
    return new StreamError(
      code,
      `${what} of the operator ${owner.operator} due at ${work.time}${of}, by ${clock}, ${said} work ${remedy}`,
      { taskId: taskName, operator: owner.operator, time: work.time, cause: error },
    )
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** A key for a message: as text where it is some, else as hexadecimal digits. */
function shown(key: Uint8Array): string {
  const text = Buffer.from(key).toString()
  return Buffer.from(text).equals(key) && visible(text) === text ? `"${text}"` : `0x${hex(key)}`
}
