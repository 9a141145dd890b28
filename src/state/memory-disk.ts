import { assert } from '../core/assert.ts'
import type { Random } from '../core/random.ts'
import { lockedStore } from './locked-store.ts'
import { MemoryBackend } from './memory-backend.ts'
import { MemoryTable } from './memory-table.ts'
import type { StateBackends } from './state-backend.ts'

/** The calls of a {@link StateBackends} and its backends that can be made to fail. */
export type StoreCall = 'open' | 'move' | 'destroy' | 'getSync' | 'batch' | 'iterate' | 'close'

/** A failure on demand. */
export interface StoreFault {
  readonly call: StoreCall
  /** The store to fail; any when left out. */
  readonly path?: string
  /** What the call throws, before it has any effect. */
  readonly error: Error
  /** How many calls fail. Default 1. */
  readonly times?: number
}

/**
 * The disk of a simulated machine: stores by path, who has them open, and what survives when it stops.
 *
 * All processes of the machine share one; each takes its own `backends(pid)`.
 */
export class MemoryDisk {
  private readonly random: Random
  private readonly tables = new Map<string, MemoryTable>()
  private readonly open = new Map<string, MemoryBackend>()
  private faults: { fault: StoreFault; left: number }[] = []

  /** @param random decides how much a crash loses */
  constructor(random: Random) {
    this.random = random
  }

  /** The stores as one process of the machine sees them. */
  backends(pid: number): StateBackends {
    return {
      open: async (path) => {
        this.fail('open', path)
        this.refuseOpen(path, pid)
        let table = this.tables.get(path)
        if (!table) this.tables.set(path, (table = new MemoryTable()))
        const backend: MemoryBackend = new MemoryBackend(path, pid, table, {
          check: (call) => this.fail(call, path),
          closed: () => {
            if (this.open.get(path) === backend) this.open.delete(path)
          },
        })
        this.open.set(path, backend)
        return backend
      },
      move: async (from, to) => {
        this.fail('move', from)
        this.refuseOpen(from, pid)
        const table = this.tables.get(from)
        if (!table) return
        assert(!this.tables.has(to), `a store moves to where nothing is, and ${to} is there`)
        this.tables.delete(from)
        this.tables.set(to, table)
      },
      destroy: async (path) => {
        this.fail('destroy', path)
        this.refuseOpen(path, pid)
        this.tables.delete(path)
      },
    }
  }

  /**
   * The power fails: every store loses a suffix of its unsynced batches, of a length that the seed decides, and every
   * lock is free. Backends that were open refuse all further calls.
   */
  crash(): void {
    for (const backend of this.open.values()) backend.detach()
    this.open.clear()
    for (const path of [...this.tables.keys()].sort()) {
      this.tables.get(path)?.lose((unsynced) => this.random.integer(unsynced + 1))
    }
  }

  /** A process is killed: its locks are free, and the operating system still holds all that it wrote. */
  kill(pid: number): void {
    for (const [path, backend] of [...this.open]) {
      if (backend.pid !== pid) continue
      backend.detach()
      this.open.delete(path)
    }
  }

  /** Lets the next matching calls fail. */
  failNext(fault: StoreFault): void {
    this.faults.push({ fault, left: fault.times ?? 1 })
  }

  /** Paths at which there is a store, sorted. */
  get paths(): readonly string[] {
    return [...this.tables.keys()].sort()
  }

  private refuseOpen(path: string, pid: number): void {
    const holder = this.open.get(path)
    if (holder) throw lockedStore(path, holder.pid, pid)
  }

  private fail(call: StoreCall, path: string): void {
    const hit = this.faults.find(({ fault }) => fault.call === call && (fault.path ?? path) === path)
    if (!hit) return
    hit.left--
    if (hit.left <= 0) this.faults = this.faults.filter((other) => other !== hit)
    throw hit.fault.error
  }
}
