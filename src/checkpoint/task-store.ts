import { hasCode, StreamError } from '../core/errors.ts'
import { noHeaders } from '../core/record.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import type { PartitionOutput } from '../kafka/partition-output.ts'
import type { RowChanges } from '../state/row-changes.ts'
import { decodeRow, encodeRow, expiryIn, rowFormat, rowHeaders } from '../state/row-format.ts'
import { RowStore } from '../state/row-store.ts'
import type { Mutation, StateBackend } from '../state/state-backend.ts'
import type { StoreSpec } from '../topology/node.ts'
import type { AppContext } from './app-context.ts'
import { ChangelogReader } from './changelog-reader.ts'
import { type ClockRow, clockKey, decodeClock, encodeClock } from './clock-row.ts'
import { decodePositions, encodePositions, type PositionsRow, positionsKey } from './positions-row.ts'
import { decodeMeta, encodeMeta, metaKey, misfit, type StoreIdentity, type StoreMeta } from './store-meta.ts'

/** Changelogs keep deletes this long, and no store older than that less an hour is trusted (X10). */
export const deleteRetentionMs: number = 7 * 24 * 3_600_000
const trustMarginMs = 3_600_000

/** Where a store is and what it must be. */
export interface TaskStoreOptions {
  readonly app: AppContext
  readonly taskId: string
  readonly spec: StoreSpec
  readonly changelog: TopicPartition
  /** The folder of its backend. */
  readonly path: string
  /** From where on its changelog is of it; `end`: it begins now, and leaves behind all that is there. */
  readonly beginsAt: number | 'end'
}

/**
 * One store of a task with its changelog: opened, restored, written at each commit.
 *
 * What its backend holds is always a prefix of the committed changelog (D2): the meta row says up to which offset, and is
 * written in one batch with the rows.
 */
export class TaskStore {
  readonly changelog: TopicPartition
  readonly store: RowStore
  private readonly options: TaskStoreOptions
  private readonly backend: StateBackend
  private readonly identity: StoreIdentity
  /** Where the last restore ended or the last commit was written. */
  private changelogOffset: number
  /** Records applied by restoring since it was opened. */
  restored = 0

  private constructor(
    options: TaskStoreOptions,
    backend: StateBackend,
    identity: StoreIdentity,
    changelogOffset: number,
  ) {
    this.options = options
    this.changelog = options.changelog
    this.backend = backend
    this.identity = identity
    this.changelogOffset = changelogOffset
    this.store = new RowStore(options.spec.name, backend, options.spec.value, options.app.storeOptions)
  }

  /** From where on its changelog is of it. */
  get beganAt(): number {
    return this.identity.beganAt
  }

  /** Whether it was opened to begin anew. */
  get isFresh(): boolean {
    return this.options.beginsAt === 'end'
  }

  /**
   * A4 and A3: opens the store and brings it up to the end of its changelog. One that does not fit, cannot be read, or
   * is not continued by its changelog is put aside, and an empty one is restored in its place.
   * @throws {StreamError} `DATA_DIRECTORY_LOCKED`, `DISK_FULL`, `DATA_DIRECTORY_UNUSABLE`
   */
  static async open(options: TaskStoreOptions): Promise<TaskStore> {
    const { app, taskId, spec, path } = options
    const reason = app.damagedStores.has(path) ? 'it was found damaged' : await TaskStore.openFitting(options)
    if (typeof reason !== 'string') return reason
    const next = options.beginsAt === 'end' ? 'begins anew' : 'restored from its changelog'
    app.ports.logger.warn(`the store ${spec.name} of task ${taskId} is put aside and ${next}: ${reason}`, { path })
    await app.ports.steps('A4.quarantine', () => quarantine(app, path))
    app.damagedStores.delete(path)
    const fresh = await TaskStore.openAsItIs(options)
    try {
      await fresh.restore()
      return fresh
    } catch (error) {
      // Left open it would lock the next attempt out.
      await fresh.close()
      throw error
    }
  }

  /** @returns the store, restored, or why it cannot be used */
  private static async openFitting(options: TaskStoreOptions): Promise<TaskStore | string> {
    const { clock } = options.app.ports
    let opened: TaskStore | null = null
    try {
      opened = await TaskStore.openAsItIs(options)
      const meta = opened.meta()
      const oldestMs = clock.now() - deleteRetentionMs + trustMarginMs
      const isNew = meta === null && (await isEmpty(opened.backend))
      const reason = isNew ? null : opened.misfit(meta, oldestMs)
      if (reason === null) {
        opened.changelogOffset = meta?.changelogOffset ?? opened.changelogOffset
        await opened.restore()
        opened.positions()
        opened.clock()
        return opened
      }
      await opened.close()
      return reason
    } catch (error) {
      await opened?.close()
      if (hasCode(error, 'STORE_CORRUPT', 'OFFSET_OUT_OF_RANGE')) return error.message
      throw error
    }
  }

  private static async openAsItIs(options: TaskStoreOptions): Promise<TaskStore> {
    const { app, spec, changelog, path, beginsAt } = options
    const { backendBytes } = app.storeOptions
    // First: it is also what makes the cluster's and the topic's ids known where they were forgotten.
    const reader = new ChangelogReader(app)
    const beganAt = beginsAt === 'end' ? await reader.endOffset(changelog) : beginsAt
    const start = Math.max(beganAt, await reader.startOffset(changelog))
    const identity: StoreIdentity = {
      app: app.appId,
      store: spec.name,
      partition: changelog.partition,
      clusterId: app.metadata.clusterId,
      topicId: app.metadata.topic(changelog.topic)?.topicId ?? '',
      beganAt,
    }
    const backend = await app.ports.steps('A4.openStore', () => app.backends.open(path, backendBytes))
    return new TaskStore(options, backend, identity, start)
  }

  /** Why the store, as it was opened, cannot be used; null when it can. */
  private misfit(meta: StoreMeta | null, oldestMs: number): string | null {
    if (meta === null) return 'it does not say what it holds'
    if (this.isFresh) return 'what it had is given up'
    // What was deleted between the two, deletes among it, nobody can tell any more.
    if (meta.changelogOffset < this.changelogOffset) {
      return `it ends at ${meta.changelogOffset}, and its changelog begins at ${this.changelogOffset}`
    }
    return misfit(meta, this.identity, oldestMs)
  }

  private meta(): StoreMeta | null {
    const value = this.reserved(metaKey)
    return value && decodeMeta(value)
  }

  /**
   * A3: applies what the changelog has beyond the store.
   * @returns records applied
   * @throws {StreamError} `OFFSET_OUT_OF_RANGE` when the changelog does not lead on from where the store is
   */
  async restore(): Promise<number> {
    const before = this.restored
    await new ChangelogReader(this.options.app).readToEnd(
      this.changelog,
      this.changelogOffset,
      async (records, position) => {
        const mutations: Mutation[] = records.map(({ key, value, timestamp, headers }) => ({
          key,
          value: value === null ? null : encodeRow(timestamp, value, expiryIn(headers)),
        }))
        mutations.push(this.metaMutation(position))
        await this.backend.batch(mutations)
        this.changelogOffset = position
        this.restored += records.length
      },
    )
    if (this.restored > before) this.store.reset()
    return this.restored - before
  }

  /** The value of a reserved row; null where there is none. @throws {StreamError} `STORE_CORRUPT` */
  private reserved(key: Uint8Array): Uint8Array | null {
    const stored = this.backend.getSync(key)
    return stored === undefined ? null : decodeRow(stored, this.options.path).value
  }

  /** The positions row as the store has it: null before the first commit. */
  positions(): PositionsRow | null {
    return this.decoded(positionsKey, 'positions', decodePositions)
  }

  /** The clock row as the store has it: null where its task never needed one. */
  clock(): ClockRow | null {
    return this.decoded(clockKey, 'clock', decodeClock)
  }

  private decoded<T>(key: Uint8Array, what: string, decode: (value: Uint8Array) => T): T | null {
    const value = this.reserved(key)
    try {
      return value && decode(value)
    } catch (error) {
      const { path, spec } = this.options
      throw new StreamError('STORE_CORRUPT', `the ${what} row of the store ${spec.name} cannot be read`, {
        path,
        cause: error,
      })
    }
  }

  /** B1: appends what a commit changes to the changelog, and behind that its clock row, if it has one, and its positions row. */
  log(output: PartitionOutput, changes: RowChanges, positions: PositionsRow, clock: ClockRow | null = null): void {
    changes.forEach((bytes, keyAt, keyLength, valueAt, valueLength, timestamp, expiry) => {
      output.appendRanges(bytes, keyAt, keyLength, bytes, valueAt, valueLength, timestamp, rowHeaders(expiry))
    })
    const now = this.options.app.ports.clock.now()
    if (clock !== null) output.append(clockKey, encodeClock(clock), now, noHeaders)
    output.append(positionsKey, encodePositions(positions), now, noHeaders)
  }

  /**
   * B4: the commit is known. Writes what the store's last cut gave, up to which positions, and how far the changelog is in the
   * store now, as one batch.
   * @param clock null when the commit says nothing new of it
   */
  async write(
    changes: RowChanges,
    positions: PositionsRow,
    changelogOffset: number,
    clock: ClockRow | null = null,
  ): Promise<void> {
    this.store.known()
    const own: Mutation[] = [{ key: positionsKey, value: encodeRow(0, encodePositions(positions)) }]
    if (clock !== null) own.push({ key: clockKey, value: encodeRow(0, encodeClock(clock)) })
    own.push(this.metaMutation(changelogOffset))
    await this.backend.batch({ [Symbol.iterator]: () => both(changes, own) })
    this.changelogOffset = changelogOffset
    this.store.written()
  }

  private metaMutation(changelogOffset: number): Mutation {
    const meta = {
      format: rowFormat,
      ...this.identity,
      changelogOffset,
      writtenMs: this.options.app.ports.clock.now(),
    }
    return { key: metaKey, value: encodeRow(0, encodeMeta(meta)) }
  }

  async close(): Promise<void> {
    this.store.close()
    await this.backend.close()
  }
}

/** The one behind the other. A generator that delegates to both takes as long for a row as the copy of it. */
function both<T>(first: Iterable<T>, second: Iterable<T>): Iterator<T> {
  let current = first[Symbol.iterator]()
  let rest: Iterable<T> | null = second
  return {
    next() {
      const next = current.next()
      if (next.done !== true || rest === null) return next
      current = rest[Symbol.iterator]()
      rest = null
      return current.next()
    },
  }
}

async function isEmpty(backend: StateBackend): Promise<boolean> {
  for await (const _entry of backend.iterate()) return false
  return true
}

/** Keeps the damaged store for whoever wants to look, the newest one only. */
async function quarantine(app: AppContext, path: string): Promise<void> {
  const aside = `${path}.quarantine`
  await app.backends.destroy(aside)
  await app.backends.move(path, aside)
}
