import { MemoryBudget } from '../../src/core/memory-budget.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { FlowRecord } from '../../src/operators/flow-record.ts'
import type { OutputTopic, ProcessorContext, RecordOutput, Resume } from '../../src/operators/processor-context.ts'
import { MemoryDisk } from '../../src/state/memory-disk.ts'
import { RowStore } from '../../src/state/row-store.ts'
import type { StoreSpec } from '../../src/topology/node.ts'

/** What a chain is given where no thread is: stores in memory, and topics that keep what is written as texts. */
export class ChainContext implements ProcessorContext {
  /** What was written, as `topic: key=value`, in order. */
  readonly written: string[] = []
  readonly drops: string[] = []
  /** The topics that were asked for, by name. */
  readonly outputs = new Map<string, OutputTopic>()
  effects = 0
  private readonly stores = new Map<string, RowStore>()

  async open(specs: readonly StoreSpec[]): Promise<this> {
    const backends = new MemoryDisk(seededRandom(1)).backends(1)
    const options = { memory: new MemoryBudget(1e7), hashSeed: 1, backendBytes: 0 }
    for (const { name, value } of specs) {
      this.stores.set(name, new RowStore(name, await backends.open(`/${name}`), value, options))
    }
    return this
  }

  store(name: string): RowStore {
    return this.stores.get(name) as RowStore
  }

  output(output: OutputTopic): RecordOutput {
    const { topic } = output
    this.outputs.set(topic, output)
    return { send: ({ key, value }) => void this.written.push(`${topic}: ${key}=${value}`) }
  }

  effect(): void {
    this.effects++
  }

  dropped(reason: string, { value }: FlowRecord): void {
    this.drops.push(`${reason}: ${value}`)
  }

  now(): number {
    return 0
  }

  random(): number {
    return 0.5
  }

  streamTime(): number {
    return -1
  }

  suspend(): Resume {
    throw new Error('nothing here waits')
  }
}
