import { StreamError } from '../../core/errors.ts'
import type { Random } from '../../core/random.ts'
import type { BrokerStorage, FactChange, SegmentFile } from './broker-storage.ts'

/** The verbs of the port that can be made to fail. */
export type StorageVerb = 'append' | 'read' | 'truncate' | 'sync' | 'writeFacts'

/** Fact batches that may be lost at once: a system writes older ones back by itself, and the list stays short. */
const unsyncedFactsMax = 256

interface MemoryFile {
  bytes: Buffer
  size: number
  syncedSize: number
}

/**
 * A disk of bytes that outlives the brokers on it: tests open a storage, crash it and open the next one.
 *
 * `open` gives the port. `kill` is kill -9 of the process: calls of the storage in hand never settle again, and the
 * disk keeps every byte that was written. `losePower` also drops what no sync had reached: a seeded suffix of each
 * file's bytes and of the fact batches. `failNext` makes the next call of a verb reject.
 */
export class MemoryStorage {
  private readonly files = new Map<string, MemoryFile>()
  private readonly facts = new Map<string, string>()
  private readonly unsyncedFacts: (readonly FactChange[])[] = []
  private readonly failures = new Map<StorageVerb, Error>()
  private life = 0

  /** Opens the disk; a storage opened before is dead from here on. */
  open(): BrokerStorage {
    const life = ++this.life
    const alive = async <T>(verb: StorageVerb | null, effect: () => T): Promise<T> => {
      if (life !== this.life) return new Promise<never>(() => {})
      const failure = verb && this.failures.get(verb)
      if (verb && failure) {
        this.failures.delete(verb)
        throw failure
      }
      return effect()
    }
    return {
      location: 'memory',
      facts: () => alive(null, () => this.currentFacts()),
      writeFacts: (changes, options) =>
        alive('writeFacts', () => {
          this.unsyncedFacts.push([...changes])
          this.foldFacts(options?.sync ? 0 : unsyncedFactsMax)
        }),
      logs: () => alive(null, () => [...new Set([...this.files.keys()].map((path) => path.split('#')[0] as string))]),
      segments: (log) => alive(null, () => this.segmentsOf(log)),
      openSegment: (log, baseOffset) =>
        alive(null, () => {
          const path = `${log}#${baseOffset}`
          const file = this.files.get(path) ?? { bytes: Buffer.alloc(0), size: 0, syncedSize: 0 }
          this.files.set(path, file)
          return segmentOf(file, alive)
        }),
      removeSegment: (log, baseOffset) => alive(null, () => void this.files.delete(`${log}#${baseOffset}`)),
      removeLog: (log) =>
        alive(null, () => {
          for (const path of this.files.keys()) if (path.startsWith(`${log}#`)) this.files.delete(path)
        }),
      close: async () => {
        if (life === this.life) this.life++
      },
    }
  }

  /** kill -9 of the process that holds the disk. */
  kill(): void {
    this.life++
  }

  /** The machine stops: unsynced bytes and facts are lost from a random point on. */
  losePower(random: Random): void {
    this.kill()
    for (const file of this.files.values()) {
      file.size = file.syncedSize + random.integer(file.size - file.syncedSize + 1)
      file.syncedSize = file.size
    }
    this.unsyncedFacts.length = random.integer(this.unsyncedFacts.length + 1)
  }

  /** The next call of this verb rejects, once. */
  failNext(verb: StorageVerb, error: Error = new StreamError('DISK_FULL', 'the memory disk is full, as asked')): void {
    this.failures.set(verb, error)
  }

  /** Overwrites bytes of a segment file in place: damage for recovery tests. */
  damage(log: string, baseOffset: number, position: number, bytes: Uint8Array): void {
    this.files.get(`${log}#${baseOffset}`)?.bytes.set(bytes, position)
  }

  private segmentsOf(log: string): number[] {
    return [...this.files.keys()]
      .filter((path) => path.startsWith(`${log}#`))
      .map((path) => Number(path.slice(log.length + 1)))
      .sort((a, b) => a - b)
  }

  private currentFacts(): Map<string, string> {
    const facts = new Map(this.facts)
    for (const changes of this.unsyncedFacts) applyTo(facts, changes)
    return facts
  }

  private foldFacts(keep: number): void {
    while (this.unsyncedFacts.length > keep) applyTo(this.facts, this.unsyncedFacts.shift() ?? [])
  }
}

function applyTo(facts: Map<string, string>, changes: readonly FactChange[]): void {
  for (const { key, value } of changes) {
    if (value === null) facts.delete(key)
    else facts.set(key, value)
  }
}

function segmentOf(file: MemoryFile, alive: <T>(verb: StorageVerb | null, effect: () => T) => Promise<T>): SegmentFile {
  return {
    get sizeBytes() {
      return file.size
    },
    append: (chunks) =>
      alive('append', () => {
        for (const chunk of chunks) {
          const needed = file.size + chunk.length
          if (needed > file.bytes.length) {
            const grown = Buffer.allocUnsafeSlow(Math.max(needed, file.bytes.length * 2, 4096))
            file.bytes.copy(grown, 0, 0, file.size)
            file.bytes = grown
          }
          file.bytes.set(chunk, file.size)
          file.size = needed
        }
      }),
    read: (position, target) =>
      alive('read', () => {
        const length = Math.max(0, Math.min(target.length, file.size - position))
        target.set(file.bytes.subarray(position, position + length))
        return length
      }),
    truncate: (sizeBytes) =>
      alive('truncate', () => {
        file.size = Math.min(file.size, sizeBytes)
        file.syncedSize = Math.min(file.syncedSize, file.size)
      }),
    sync: () =>
      alive('sync', () => {
        file.syncedSize = file.size
      }),
    close: async () => {},
  }
}
