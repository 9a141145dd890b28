import { Buffer } from 'node:buffer'
import { StreamError } from '../core/errors.ts'
import type { MemoryTable } from './memory-table.ts'
import type { Mutation, Range, StateBackend } from './state-backend.ts'

/** What a backend tells its disk. */
export interface MemoryBackendHooks {
  /** Called before each call has any effect; throws where the call is to fail. */
  check(call: 'getSync' | 'batch' | 'iterate' | 'close'): void
  closed(): void
}

/**
 * A store in memory, with the promises of the one on disk: byte order, atomic batches, iteration over a snapshot, one
 * holder at a time. Opened by a `MemoryDisk`, which outlives it.
 */
export class MemoryBackend implements StateBackend {
  /** None: it plays a disk. */
  readonly memoryBytes = 0
  /** The process that has it open. */
  readonly pid: number
  readonly path: string
  private readonly table: MemoryTable
  private readonly hooks: MemoryBackendHooks
  private state: 'open' | 'closed' | 'detached' = 'open'

  constructor(path: string, pid: number, table: MemoryTable, hooks: MemoryBackendHooks) {
    this.path = path
    this.pid = pid
    this.table = table
    this.hooks = hooks
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.enter('getSync')
    const value = this.table.get(key)
    return value && Buffer.from(value)
  }

  async batch(mutations: Iterable<Mutation>, options: { readonly sync?: boolean } = {}): Promise<void> {
    this.enter('batch')
    this.table.apply(mutations, options.sync === true)
  }

  async *iterate(range: Range = {}): AsyncGenerator<readonly [key: Uint8Array, value: Uint8Array]> {
    this.enter('iterate')
    for (const [key, value] of this.table.snapshot(range)) {
      if (this.state !== 'open') throw this.refusal()
      yield [Buffer.from(key, 'latin1'), Buffer.from(value)]
    }
  }

  async close(): Promise<void> {
    if (this.state !== 'open') return
    this.hooks.check('close')
    this.state = 'closed'
    this.hooks.closed()
  }

  /** The process or the machine is gone: no call may have an effect any more. */
  detach(): void {
    if (this.state === 'open') this.state = 'detached'
  }

  private enter(call: 'getSync' | 'batch' | 'iterate'): void {
    if (this.state !== 'open') throw this.refusal()
    this.hooks.check(call)
  }

  private refusal(): StreamError {
    const why = this.state === 'closed' ? 'is closed' : 'was open in a process that is gone'
    return new StreamError('ILLEGAL_STATE', `the store at ${this.path} ${why}: it takes no more calls`, {
      path: this.path,
    })
  }
}
