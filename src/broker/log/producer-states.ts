import type { BatchHeader } from '../../protocol/batch-header.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'

/** Batches remembered for each producer: so many may be in flight on a connection (Kafka's limit, too). */
const batchesKept = 5
/** Producers idle for longer than this, in milliseconds, may be forgotten: Kafka's `producer.id.expiration.ms`. */
const idleMsMax = 24 * 3600 * 1000
const sequenceMax = 0x7fffffff

interface KnownBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: number
  readonly timestamp: number
}

/** What a partition knows of one producer. */
export interface ProducerState {
  producerId: number
  epoch: number
  /** -1 before the first marker. */
  coordinatorEpoch: number
  lastTimestamp: number
  /** First offset of its open transaction here, or null. */
  openSince: number | null
  batches: KnownBatch[]
}

/** What a batch of a client is to the log: new, known already (then it is acknowledged as it was), or refused. */
export type Verdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: number; readonly lastOffset: number; readonly timestamp: number }
  | { readonly kind: 'refused'; readonly error: number }

const append: Verdict = { kind: 'append' }

/** The sequence number of the last record of a batch; they wrap from 2^31 - 1 to 0. */
export function lastSequenceOf(header: BatchHeader): number {
  const last = header.baseSequence + header.lastOffsetDelta
  return last > sequenceMax ? last - sequenceMax - 1 : last
}

/**
 * Who has written to a partition: what makes a repeated batch a duplicate and an old producer a fenced one.
 *
 * Entries come from batches as they are appended, and again when the log is opened.
 */
export class ProducerStates {
  private readonly byId = new Map<number, ProducerState>()

  get(producerId: number): ProducerState | undefined {
    return this.byId.get(producerId)
  }

  all(): IterableIterator<ProducerState> {
    return this.byId.values()
  }

  /** Judges a client's batch against what is known of its producer. */
  judge(header: BatchHeader): Verdict {
    const state = this.byId.get(header.producerId)
    if (!state) return append
    const lastSequence = lastSequenceOf(header)
    if (header.producerEpoch < state.epoch) return { kind: 'refused', error: kafkaError.INVALID_PRODUCER_EPOCH }
    if (header.producerEpoch > state.epoch) {
      return header.baseSequence === 0 ? append : { kind: 'refused', error: kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER }
    }
    const known = state.batches.find((b) => b.firstSequence === header.baseSequence && b.lastSequence === lastSequence)
    if (known) {
      const lastOffset = known.baseOffset + header.lastOffsetDelta
      return { kind: 'duplicate', baseOffset: known.baseOffset, lastOffset, timestamp: known.timestamp }
    }
    const previous = state.batches.at(-1)?.lastSequence ?? -1
    const expected = previous === sequenceMax ? 0 : previous + 1
    return header.baseSequence === expected
      ? append
      : { kind: 'refused', error: kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER }
  }

  /** Takes note of an appended batch of records. `baseOffset` is the assigned one. */
  enter(header: BatchHeader, baseOffset: number, transactional: boolean): void {
    const state = this.at(header.producerId, header.producerEpoch, header.maxTimestamp)
    state.batches.push({
      firstSequence: header.baseSequence,
      lastSequence: lastSequenceOf(header),
      baseOffset,
      timestamp: header.maxTimestamp,
    })
    if (state.batches.length > batchesKept) state.batches.shift()
    if (transactional && state.openSince === null) state.openSince = baseOffset
  }

  /** Takes note of a marker. @returns the first offset of the transaction that it ends, null when none was open here */
  enterMarker(producerId: number, epoch: number, coordinatorEpoch: number, timestamp: number): number | null {
    const state = this.at(producerId, epoch, timestamp)
    const openSince = state.openSince
    state.openSince = null
    state.coordinatorEpoch = coordinatorEpoch
    return openSince
  }

  /** Puts back what a snapshot held. */
  restore(states: readonly ProducerState[]): void {
    for (const state of states) this.byId.set(state.producerId, { ...state, batches: [...state.batches] })
  }

  private at(producerId: number, epoch: number, timestamp: number): ProducerState {
    let state = this.byId.get(producerId)
    if (!state) {
      if (this.byId.size >= 1000) this.forgetIdle(timestamp)
      state = { producerId, epoch, coordinatorEpoch: -1, lastTimestamp: timestamp, openSince: null, batches: [] }
      this.byId.set(producerId, state)
    }
    if (state.epoch !== epoch) {
      state.epoch = epoch
      state.batches = []
    }
    state.lastTimestamp = timestamp
    return state
  }

  private forgetIdle(now: number): void {
    for (const [id, state] of this.byId)
      if (state.openSince === null && now - state.lastTimestamp > idleMsMax) this.byId.delete(id)
  }
}
