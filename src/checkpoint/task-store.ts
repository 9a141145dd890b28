import { hasCode, StreamError } from '../core/errors.ts'
import type { TopicPartition } from '../core/topic-partition.ts'
import { KeyValueStore, type RowChange, toMutation } from '../state/key-value-store.ts'
import { encodeRow, rowValue } from '../state/row-format.ts'
import type { Mutation, StateBackend } from '../state/state-backend.ts'
import type { StoreSpec } from '../topology/node.ts'
import type { AppContext } from './app-context.ts'
import { ChangelogReader } from './changelog-reader.ts'
import { decodePositions, type PositionsRow, positionsKey } from './positions-row.ts'
import { decodeMeta, encodeMeta, metaKey, misfit, type StoreIdentity } from './store-meta.ts'

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
}

/**
 * One store of a task with its changelog: opened, restored, written at each commit.
 *
 * What its backend holds is always a prefix of the committed changelog (D2): the meta row says up to which offset, and is
 * written in one batch with the rows.
 */
export class TaskStore {
  readonly changelog: TopicPartition
  readonly store: KeyValueStore
  private readonly options: TaskStoreOptions
  private readonly backend: StateBackend
  private readonly identity: StoreIdentity
  /** Where the last restore ended or the last commit was written. */
  private changelogOffset: number

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
    this.store = new KeyValueStore(options.spec.name, backend, options.spec.value, options.app.storeLimits)
  }

  /**
   * A4: opens the store; one that does not fit or cannot be read is put aside and an empty one takes its place, to be
   * restored whole.
   * @throws {StreamError} `DATA_DIRECTORY_LOCKED`, `DISK_FULL`, `DATA_DIRECTORY_UNUSABLE`
   */
  static async open(options: TaskStoreOptions): Promise<TaskStore> {
    const { app, taskId, spec, changelog, path } = options
    const topic = app.metadata.topic(changelog.topic)
    const identity: StoreIdentity = {
      app: app.appId,
      task: taskId,
      store: spec.name,
      clusterId: app.metadata.clusterId,
      topicId: topic?.topicId ?? '',
    }
    const { steps, logger, clock } = app.ports
    const start = await new ChangelogReader(app).startOffset(changelog)
    try {
      const backend = await steps('A4.openStore', () => app.backends.open(path))
      const stored = readOrNull(backend, metaKey)
      const meta = stored && decodeMeta(rowValue(stored))
      if (!meta && (await isEmpty(backend))) return new TaskStore(options, backend, identity, start)
      const oldestMs = clock.now() - deleteRetentionMs + trustMarginMs
      const reason = meta ? misfit(meta, identity, oldestMs) : 'it does not say what it holds'
      if (meta && reason === null)
        return new TaskStore(options, backend, identity, Math.max(meta.changelogOffset, start))
      await backend.close()
      logger.warn(`the store ${spec.name} of task ${taskId} is restored from its changelog: ${reason}`, { path })
    } catch (error) {
      if (!hasCode(error, 'STORE_CORRUPT')) throw error
      logger.warn(
        `the store ${spec.name} of task ${taskId} is damaged and is restored from its changelog: ${error.message}`,
        { path },
      )
    }
    await steps('A4.quarantine', () => quarantine(app, path))
    const backend = await steps('A4.openStore', () => app.backends.open(path))
    return new TaskStore(options, backend, identity, start)
  }

  /**
   * A3: brings the store up to the end of its changelog.
   * @returns records applied
   * @throws {StreamError} `STORE_CORRUPT` when the changelog does not lead on from where the store is
   */
  async restore(): Promise<number> {
    let applied = 0
    const reader = new ChangelogReader(this.options.app)
    try {
      await reader.readToEnd(this.changelog, this.changelogOffset, async (records, position) => {
        const mutations: Mutation[] = records.map(({ key, value, timestamp }) => ({
          key: Buffer.from(key),
          value: value === null ? null : encodeRow(timestamp, value),
        }))
        mutations.push(this.metaMutation(position))
        await this.backend.batch(mutations)
        this.changelogOffset = position
        applied += records.length
      })
    } catch (error) {
      if (!hasCode(error, 'OFFSET_OUT_OF_RANGE')) throw error
      throw new StreamError('STORE_CORRUPT', error.message, { cause: error, store: this.options.spec.name })
    }
    if (applied > 0) this.store.reset()
    return applied
  }

  /** The positions row as the store has it: null before the first commit. */
  positions(): PositionsRow | null {
    const stored = readOrNull(this.backend, positionsKey)
    return stored === null ? null : decodePositions(rowValue(stored))
  }

  /** B4: writes what a commit changed, with how far the changelog is in the store now, as one batch. */
  async write(changes: readonly RowChange[], changelogOffset: number): Promise<void> {
    const mutations = changes.map(toMutation)
    mutations.push(this.metaMutation(changelogOffset))
    await this.backend.batch(mutations)
    this.changelogOffset = changelogOffset
  }

  private metaMutation(changelogOffset: number): Mutation {
    const meta = {
      format: 1 as const,
      ...this.identity,
      changelogOffset,
      writtenMs: this.options.app.ports.clock.now(),
    }
    return { key: metaKey, value: encodeRow(0, encodeMeta(meta)) }
  }

  async close(): Promise<void> {
    await this.backend.close()
  }
}

function readOrNull(backend: StateBackend, key: Uint8Array): Uint8Array | null {
  const stored = backend.getSync(key)
  return stored === undefined || stored.length < 8 ? null : stored
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
