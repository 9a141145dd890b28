import type { BrokerStorage } from '../broker/storage/broker-storage.ts'
import type { FileSystem } from '../core/file-system.ts'
import type { Mutation, StateBackend, StateBackends } from '../state/state-backend.ts'
import type { Actor } from './actor.ts'
import { digestOf } from './digest.ts'

/** The longest that one call of a disk takes: virtual milliseconds. */
const diskMs = 0.5

/** Entries of an iteration that come with one event. */
const entriesPerEvent = 64

/** An object whose listed calls become events of an actor; the rest of it stays as it is. */
function gated<T extends object>(actor: Actor, port: string, target: T, calls: readonly (keyof T & string)[]): T {
  const gate = Object.create(target) as Record<string, unknown>
  for (const call of calls) {
    gate[call] = (...given: unknown[]) =>
      // What a read fills says nothing yet.
      actor.call(port, call, call === 'read' ? given.length : digestOf(given), diskMs, () =>
        (target[call] as (...args: unknown[]) => Promise<unknown>).apply(target, given),
      )
  }
  return gate as T
}

/** Port 6 in a simulation. */
export function simulatedFiles(actor: Actor, files: FileSystem): FileSystem {
  const calls = ['stat', 'list', 'readText', 'writeText', 'makeDirectory', 'rename', 'remove', 'resolve'] as const
  return Object.assign(gated(actor, 'files', files, calls), {
    open: (path: string) =>
      actor.call('files', 'open', digestOf(path), diskMs, async () =>
        gated(actor, 'files', await files.open(path), ['read', 'size', 'close']),
      ),
  })
}

/** Port 4 in a simulation. */
export function simulatedBackends(actor: Actor, backends: StateBackends): StateBackends {
  return Object.assign(gated(actor, 'state', backends, ['move', 'destroy']), {
    open: (path: string, memoryBytes?: number) =>
      actor.call('state', 'open', digestOf(path), diskMs, async () =>
        simulatedBackend(actor, await backends.open(path, memoryBytes)),
      ),
  })
}

function simulatedBackend(actor: Actor, backend: StateBackend): StateBackend {
  return {
    path: backend.path,
    memoryBytes: backend.memoryBytes,
    getSync: (key) => backend.getSync(key),
    batch: (mutations, options) =>
      actor.call('state', 'batch', digestOf(Array.from(mutations, copyOf)), diskMs, () =>
        backend.batch(mutations, options),
      ),
    close: () => actor.call('state', 'close', 0, diskMs, () => backend.close()),
    async *iterate(range) {
      const entries = backend.iterate(range)[Symbol.asyncIterator]()
      try {
        for (;;) {
          const some = await actor.call('state', 'iterate', digestOf(range ?? null), diskMs, async () => {
            const found: (readonly [Uint8Array, Uint8Array])[] = []
            while (found.length < entriesPerEvent) {
              const next = await entries.next()
              if (next.done) break
              found.push(next.value)
            }
            return found
          })
          if (some.length === 0) return
          yield* some
        }
      } finally {
        await entries.return?.()
      }
    },
  }
}

/** Port 5 in a simulation. */
export function simulatedStorage(actor: Actor, storage: BrokerStorage): BrokerStorage {
  const calls = ['facts', 'writeFacts', 'logs', 'segments', 'removeSegment', 'removeLog', 'close'] as const
  return Object.assign(gated(actor, 'storage', storage, calls), {
    openSegment: (log: string, baseOffset: number) =>
      actor.call('storage', 'openSegment', digestOf([log, baseOffset]), diskMs, async () =>
        gated(actor, 'storage', await storage.openSegment(log, baseOffset), ['append', 'truncate', 'sync', 'read']),
      ),
  })
}

/** The bytes of a mutation are only lent. */
const copyOf = ({ key, value }: Mutation): Mutation => ({
  key: Uint8Array.from(key),
  value: value && Uint8Array.from(value),
})
