import type { Emit } from '../../src/operators/emit.ts'
import { FlowRecord } from '../../src/operators/flow-record.ts'
import type { ChainLink, Operator, OwnWork } from '../../src/operators/operator.ts'
import { type OperatorTable, operatorTable } from '../../src/operators/operator-table.ts'
import type { ProcessorContext } from '../../src/operators/processor-context.ts'
import { stepOperator } from '../../src/operators/step-subscriber.ts'
import type { NodeOf } from '../../src/topology/node.ts'

/** How long a window is, and how far two ticks are apart; milliseconds. */
export const windowMs = 1000
export const tickMs = 100

/** All that one task of a clocked operator keeps, as one row of its store. */
interface State {
  /** Drawn for its first record. */
  readonly id: number
  readonly ticks: number
  readonly nextTickMs: number
  /** Records counted, by end of window and key. */
  readonly windows: readonly (readonly [end: number, key: string, count: number])[]
}

const stateKey = Buffer.from('state')

/**
 * Stands in for an aggregate: counts by key in windows of the task's stream time, ticks by the wall clock, and hands on what is
 * open at the end, then a mark. What it says: `closed END COUNT`, `late`, `tick ID N WALL`, `end`.
 */
function clocked(node: NodeOf<'aggregate'>, context: ProcessorContext, link: ChainLink): Operator {
  const kept = context.store(node.store.name)
  const store = kept.rows
  let handOn: Emit = () => undefined
  /** Of the last end, in this life. */
  let isMarked = false
  const load = (): State | undefined => store.valueAt(store.row(stateKey, 0, stateKey.length)) as State | undefined
  const save = (state: State): void => {
    context.effect()
    store.put(store.row(stateKey, 0, stateKey.length), state, Math.max(0, context.streamTime()))
  }
  const say = (key: string, text: string): void => handOn(FlowRecord.of(key, text, Math.max(0, context.streamTime())))
  const begun = load()
  if (begun !== undefined) {
    link.wakeAt(begun.nextTickMs)
    for (const [end] of begun.windows) link.dueAt(end)
  }
  const firstWindow = (): OwnWork | null => {
    const state = load()
    const [first] = [...(state?.windows ?? [])].sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1))
    if (state === undefined || first === undefined) return null
    const [end, key, count] = first
    const strikeOff = (): void => save({ ...state, windows: state.windows.filter((one) => one !== first) })
    return {
      time: end,
      key: Buffer.from(key),
      passOver: strikeOff,
      run: () => {
        strikeOff()
        say(key, `closed ${end} ${count}`)
      },
    }
  }
  const tick = (): OwnWork | null => {
    const state = load()
    if (state === undefined) return null
    const again = (): void => {
      const nextTickMs = context.now() + tickMs
      save({ ...state, ticks: state.ticks + 1, nextTickMs })
    }
    return {
      time: state.nextTickMs,
      key: null,
      label: 'tick',
      passOver: again,
      run: () => {
        again()
        say('tick', `tick ${state.id} ${state.ticks + 1} ${context.now()}`)
      },
    }
  }
  const mark: OwnWork = {
    time: 0,
    key: null,
    label: 'end',
    passOver: () => {
      isMarked = true
    },
    run: () => {
      isMarked = true
      say('end', 'end')
    },
  }
  const operator = stepOperator((emit) => {
    handOn = emit
    return (record) => {
      isMarked = false
      const key = String(record.key)
      const end = (Math.floor(record.timestamp / windowMs) + 1) * windowMs
      const state = load() ?? { id: context.random(), ticks: 0, nextTickMs: context.now() + tickMs, windows: [] }
      link.wakeAt(state.nextTickMs)
      if (end <= context.streamTime()) {
        save(state)
        return say(key, 'late')
      }
      const counted = state.windows.find(([at, of]) => at === end && of === key)?.[2] ?? 0
      const others = state.windows.filter(([at, of]) => at !== end || of !== key)
      save({ ...state, windows: [...others, [end, key, counted + 1]] })
      link.dueAt(end)
    }
  })
  return {
    ...operator,
    advance: firstWindow,
    punctuate: tick,
    flush: () => firstWindow() ?? (isMarked ? null : mark),
    cut: () => [{ store: node.store.name, rows: kept.cut() }],
  }
}

/** The engine's operators, with clocked ones in place of aggregates of this store. */
export function withClocked(store: string): OperatorTable {
  const { aggregate } = operatorTable
  const build = aggregate as { build(node: NodeOf<'aggregate'>, context: ProcessorContext, link: ChainLink): Operator }
  return {
    ...operatorTable,
    aggregate: {
      build: (node, context, link) =>
        node.store.name === store ? clocked(node, context, link) : build.build(node, context, link),
    },
  }
}
