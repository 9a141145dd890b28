import { allDone } from '../core/all-done.ts'
import { partitionKey, type TopicPartition } from '../core/topic-partition.ts'
import type { TransactionalProducer } from '../kafka/transactional-producer.ts'
import type { RowChanges } from '../state/row-changes.ts'
import type { StoreSpec } from '../topology/node.ts'
import { topicName } from '../topology/topic-ref.ts'
import type { AppContext } from './app-context.ts'
import type { ClockRow } from './clock-row.ts'
import type { TaskCut } from './commit.ts'
import { findLost, type ShownStore, stateIncomplete } from './commit-agreement.ts'
import type { PositionsRow } from './positions-row.ts'
import type { StartPosition } from './start-positions.ts'
import { TaskStore, type TaskStoreOptions } from './task-store.ts'

/** What the stores of a task put into a commit. */
export type StoresCut = Pick<TaskCut, 'writeChangelogs' | 'acknowledged' | 'writeStores'>

/** What the stores of a task are opened with. */
export interface TaskStoresOptions {
  readonly app: AppContext
  readonly taskId: string
  readonly partition: number
  readonly specs: readonly StoreSpec[]
  /** The inputs of the task. */
  readonly inputs: readonly TopicPartition[]
  /** Where the group stands in them, by {@link partitionKey}. */
  readonly committed: ReadonlyMap<string, StartPosition>
}

/** Where a task goes on in one of its inputs. */
export interface InputStart {
  readonly offset: number
  /** Its partition time, epoch milliseconds; -1 before its first record. */
  readonly partitionTime: number
}

/** All stores of a task: opened side by side, judged by what they were committed with, begun together. */
export class TaskStores {
  /** In the order of the plan. */
  readonly all: readonly TaskStore[]
  /** The last commit that any of them, or the group, shows; 0 before the first. */
  readonly commitId: number
  private readonly options: TaskStoresOptions
  /** Those that have no commit yet: the next one is the first of each. */
  private beginning: readonly TaskStore[]
  /** Whether a commit under way says so. */
  private isBeginning = false

  private constructor(options: TaskStoresOptions, all: readonly TaskStore[]) {
    this.options = options
    this.all = all
    this.beginning = all.filter((opened) => opened.positions() === null)
    const committed = [...committedIds(options).values()]
    this.commitId = Math.max(0, ...committed, ...all.map((opened) => opened.positions()?.commitId ?? 0))
  }

  /**
   * A4 and A3 for each store, then X9 for all.
   * @throws {StreamError} `STATE_INCOMPLETE` naming a changelog that lacks what was committed; what {@link TaskStore.open} throws
   */
  static async open(options: TaskStoresOptions): Promise<TaskStores> {
    const all: TaskStore[] = []
    try {
      for (const spec of options.specs) {
        all.push(await TaskStore.open(storeOptions(options, spec, false)))
      }
      for (;;) {
        const lost = findLost(shownBy(options, all), committedIds(options))
        if (lost === null) return new TaskStores(options, all)
        // One may have grown while another was read.
        let grown = 0
        for (const opened of all) grown += await opened.restore()
        if (grown > 0) continue
        const { store } = lost.shown
        if (!options.app.freshStores.has(store)) {
          throw stateIncomplete(options.taskId, lost.shown, lost.finding, store)
        }
        const at = options.specs.findIndex(({ name }) => name === store)
        await all[at]?.close()
        all[at] = await TaskStore.open(storeOptions(options, options.specs[at] as StoreSpec, true))
      }
    } catch (error) {
      await Promise.allSettled(all.map((opened) => opened.close()))
      throw error
    }
  }

  /** Records applied by restoring. */
  get restored(): number {
    return this.all.reduce((sum, opened) => sum + opened.restored, 0)
  }

  /** Whether any should be committed early. */
  get isFull(): boolean {
    return this.all.some(({ store }) => store.isFull)
  }

  /**
   * Where the state is in an input: as the newest commit has it that read it. Null where no store was made of it.
   * Tasks that became one have read different inputs (X21).
   */
  start(input: string): InputStart | null {
    const rows = this.all.flatMap((opened) => opened.positions() ?? []).filter(({ positions }) => input in positions)
    const newest = rows.reduce((a, b) => (b.commitId > a.commitId ? b : a), rows[0] as (typeof rows)[number])
    if (newest === undefined) return null
    return { offset: newest.positions[input] as number, partitionTime: newest.partitionTimes[input] ?? -1 }
  }

  /** The greatest partition time that any of them shows, of inputs that the task no longer has, too; -1 before the first record. */
  get latestTime(): number {
    const times = this.all.flatMap((opened) => Object.values(opened.positions()?.partitionTimes ?? {}))
    return Math.max(-1, ...times)
  }

  /** The clock rows that they were restored with. */
  clocks(): readonly ClockRow[] {
    return this.all.flatMap((opened) => opened.clock() ?? [])
  }

  /**
   * What goes into a commit.
   * @param cuts what changed, by store; one that is not among them has changed nothing
   * @param row goes into every changelog, whether its store has changed or not; so does `clock`, where there is one
   */
  commit(
    producer: TransactionalProducer,
    cuts: ReadonlyMap<string, RowChanges>,
    row: PositionsRow,
    clock: ClockRow | null,
  ): StoresCut {
    const changes = this.all.map((opened) => ({
      opened,
      rows: cuts.get(opened.store.name) ?? opened.store.cut(),
      output: producer.output(opened.changelog.topic, opened.changelog.partition),
    }))
    let ends: readonly number[] = []
    return {
      writeChangelogs: () => {
        for (const { opened, rows, output } of changes) opened.log(output, rows, row, clock)
        this.writeBeginnings(producer, row.commitId)
      },
      acknowledged: () => {
        ends = changes.map(({ output }) => output.endOffset)
      },
      writeStores: async () => {
        await allDone(changes.map(({ opened, rows }, at) => opened.write(rows, row, ends[at] as number, clock)))
      },
    }
  }

  /** In the first commit of a store the control topic is told where it began. */
  private writeBeginnings(producer: TransactionalProducer, commitId: number): void {
    const { app, partition } = this.options
    this.isBeginning = true
    for (const { store, beganAt } of this.beginning) {
      const row = { v: 1 as const, commitId, plan: app.planVersion, changelogOffset: beganAt }
      app.control.begin(producer, store.name, partition, row, app.ports.clock.now())
    }
  }

  /** A commit of the thread is known: where this task was in it, every store has one. */
  committed(): void {
    if (this.isBeginning) this.beginning = []
    this.isBeginning = false
  }

  async close(): Promise<void> {
    await Promise.all(this.all.map((opened) => opened.close()))
  }
}

function storeOptions(
  { app, taskId, partition }: TaskStoresOptions,
  spec: StoreSpec,
  isAnew: boolean,
): TaskStoreOptions {
  const changelog = { topic: topicName(app.appId, { role: 'changelog', name: spec.name }), partition }
  const path = `${app.stateDirectory}/${spec.name}/${partition}`
  const beginning = app.control.beginning(spec.name, partition)
  const beginsAnew = isAnew || (beginning === null && app.control.isBegunAnew(spec.name))
  return { app, taskId, spec, changelog, path, beginsAt: beginsAnew ? 'end' : (beginning?.changelogOffset ?? 0) }
}

function shownBy({ app, partition }: TaskStoresOptions, all: readonly TaskStore[]): readonly ShownStore[] {
  return all.map((opened) => ({
    ...opened.changelog,
    store: opened.store.name,
    row: opened.positions(),
    beginning: app.control.beginning(opened.store.name, partition),
    isFresh: opened.isFresh,
  }))
}

function committedIds({ inputs, committed }: TaskStoresOptions): ReadonlyMap<string, number> {
  return new Map(
    inputs.map(({ topic, partition }) => {
      const key = partitionKey(topic, partition)
      return [key, committed.get(key)?.metadata?.commitId ?? 0]
    }),
  )
}
