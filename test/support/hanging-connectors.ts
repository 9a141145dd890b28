import { nothing, text } from 'millrace'
import type { Json, ReadResult, SinkConnector, SourceConnector } from 'millrace/connector'

/** Calls of a source, and of both kinds of sinks. */
export const sourceCalls = ['splits', 'open', 'read', 'committed', 'close'] as const
export const sinkCalls = ['open', 'write', 'flush', 'close'] as const
export const transactionalCalls = ['open', 'lastCommitted', 'commit', 'close'] as const

export type ConnectorCall = (typeof sourceCalls | typeof sinkCalls | typeof transactionalCalls)[number]

/** What hangs: calls of this name, from the how many'th on, of all tasks or of one. Or it throws before it has a promise. */
export interface Hang {
  readonly call: ConnectorCall
  readonly from?: number
  readonly task?: number
  readonly throws?: boolean
}

/** The calls of one connector, some of which hang for as long as a test wants them to, whatever their signal says. */
export class HangingCalls {
  /** Readers or writers that were opened and not closed. */
  open = 0
  private readonly hang: Hang | null
  private readonly counts = new Map<ConnectorCall, number>()
  private readonly held: ((late: 'said' | 'failed') => void)[] = []
  private isHealed = false
  private tellHeld: () => void = () => {}
  /** Resolves when the first call hangs. */
  readonly reached = new Promise<void>((resolve) => {
    this.tellHeld = resolve
  })

  constructor(hang: Hang | null = null) {
    this.hang = hang
  }

  /** What comes from now on does not hang; what hangs goes on hanging. */
  heal(): void {
    this.isHealed = true
  }

  /** Lets what hangs do what it was called for and say so, or fail. @returns how many hung */
  release(late: 'said' | 'failed'): number {
    this.isHealed = true
    const held = this.held.splice(0)
    for (const go of held) go(late)
    return held.length
  }

  /** How often a call was made. */
  count(name: ConnectorCall): number {
    return this.counts.get(name) ?? 0
  }

  /** @param task the number of the task, or null for one of all tasks */
  call<T>(name: ConnectorCall, task: number | null, work: () => T | Promise<T>): Promise<T> {
    this.counts.set(name, this.count(name) + 1)
    if (!this.hangs(name, task)) return (async () => work())()
    this.tellHeld()
    if (this.hang?.throws) throw new Error(`${name} threw`)
    return new Promise<'said' | 'failed'>((resolve) => this.held.push(resolve)).then((late) => {
      if (late === 'failed') throw new Error(`${name} failed late`)
      return work()
    })
  }

  private hangs(name: ConnectorCall, task: number | null): boolean {
    const { hang } = this
    if (this.isHealed || hang === null || name !== hang.call) return false
    return this.count(name) >= (hang.from ?? 1) && (task === null || hang.task === undefined || task === hang.task)
  }

  /** Counts what is open. @returns what closes it, any number of times */
  opened(): () => void {
    this.open++
    let isOpen = true
    return () => {
      if (isOpen) this.open--
      isOpen = false
    }
  }
}

/** A source of numbers in two splits, one a task, five numbers a read. `there` says how many each split has by now. */
export function numbersSource(calls: HangingCalls, there: () => number): SourceConnector<null, string> {
  return {
    kind: 'source-connector',
    name: 'numbers',
    key: nothing,
    value: text,
    replay: 'exact',
    partitions: 2,
    splits: () => calls.call('splits', null, () => [{ id: 'a' }, { id: 'b' }]),
    open: ({ id }, from, { clock }) => {
      const task = id === 'a' ? 0 : 1
      return calls.call('open', task, () => {
        const close = calls.opened()
        let at = (from as number | null) ?? 0
        return {
          read: (_max, signal) =>
            calls.call('read', task, async (): Promise<ReadResult<Json>> => {
              if (at >= there()) await clock.sleep(20, signal).catch(() => undefined)
              const first = at
              at = Math.min(at + 5, there())
              const numbers = Array.from({ length: at - first }, (_, i) => `${id}${first + i}`)
              return { records: numbers.map((number) => ({ key: null, value: Buffer.from(number) })), next: at }
            }),
          committed: () => calls.call('committed', task, () => undefined),
          close: () => calls.call('close', task, close),
        }
      })
    },
  }
}

/** A source of one record every 100 ms, so that there is always something to commit. */
export function pulseSource(): SourceConnector<null, string> {
  return {
    kind: 'source-connector',
    name: 'pulse',
    key: nothing,
    value: text,
    replay: 'exact',
    partitions: 1,
    splits: async () => [{ id: 'pulse' }],
    open: async (_split, from, { clock }) => {
      let at = (from as number | null) ?? 0
      return {
        async read(_max, signal) {
          await clock.sleep(100, signal)
          return { records: [{ key: null, value: Buffer.from('beat') }], next: ++at }
        },
        close: async () => {},
      }
    },
  }
}

/** What a sink holds: values, and the offset behind them in one that keeps it, a partition. It outlives its writers. */
export class SinkTable {
  readonly values: string[] = []
  readonly offsets = new Map<number, number>()
}

/** A sink that keeps what it gets in a table. */
export function tableSink(calls: HangingCalls, table: SinkTable): SinkConnector<unknown, string> {
  return {
    kind: 'sink-connector',
    name: 'table',
    guarantee: 'at-least-once',
    open: (task) =>
      calls.call('open', task, () => {
        const close = calls.opened()
        return {
          write: (records) =>
            calls.call('write', task, () => void table.values.push(...records.map(({ value }) => String(value)))),
          flush: () => calls.call('flush', task, () => undefined),
          close: () => calls.call('close', task, close),
        }
      }),
  }
}

/** The same with an offset of its own, which it compares and sets: every value is there once. */
export function transactionalTableSink(calls: HangingCalls, table: SinkTable): SinkConnector<unknown, string> {
  return {
    kind: 'sink-connector',
    name: 'table',
    guarantee: 'transactional',
    open: (task) =>
      calls.call('open', task, () => {
        const close = calls.opened()
        return {
          lastCommitted: () => calls.call('lastCommitted', task, () => table.offsets.get(task) ?? null),
          commit: (records, expected, next) =>
            calls.call('commit', task, () => {
              if ((table.offsets.get(task) ?? null) !== expected) return false
              table.values.push(...records.map(({ value }) => String(value)))
              table.offsets.set(task, next)
              return true
            }),
          close: () => calls.call('close', task, close),
        }
      }),
  }
}
