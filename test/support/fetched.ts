import { ByteBudget } from '../../src/kafka/byte-budget.ts'
import { FetchQueue, HeldBytes } from '../../src/kafka/fetch-queue.ts'
import type { AbortedTransaction } from '../../src/protocol/aborted-transactions.ts'
import { encodeMarker, type MarkerType } from '../../src/protocol/control-batch.ts'
import { batchOf, type PlainRecord } from './record-batches.ts'

/** A batch as a broker stores it: at an offset of its log. The offset is outside the checksum. */
export function placed(batch: Buffer, offset: number): Buffer {
  batch.writeBigInt64BE(BigInt(offset), 0)
  return batch
}

/** A log of one partition as a fetch would bring it, and the queue that it is fetched into. */
export class FetchedLog {
  readonly budget = new ByteBudget(1e9)
  readonly queue: FetchQueue
  /** How often room was made, or more waited for. */
  taken = 0
  private end = 0

  constructor(topic = 't', partition = 0, from = 0) {
    this.end = from
    this.queue = new FetchQueue(topic, partition, from, this.budget, () => {
      this.taken++
    })
  }

  /** A batch at the end of the log, of a transaction where a producer id is given. */
  batch(records: readonly PlainRecord[], producerId: number | null = null): Buffer {
    const by = producerId === null ? {} : { producer: { producerId, producerEpoch: 0 }, transactional: true }
    const at = this.end
    this.end += records.length
    return placed(batchOf(records, by), at)
  }

  /** The end of a transaction. */
  marker(producerId: number, type: MarkerType): Buffer {
    return placed(encodeMarker({ producerId, producerEpoch: 0 }, type, 0, 1), this.end++)
  }

  /** The broker answers with these batches, and there is nothing behind them. @returns their bytes */
  answer(batches: readonly Buffer[], aborted: readonly AbortedTransaction[] = []): number {
    const all = Buffer.concat(batches)
    this.queue.push(all, aborted, new HeldBytes(this.budget, all.length))
    this.queue.lastStableOffset = this.end
    return all.length
  }
}
