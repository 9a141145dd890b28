import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { fetch } from '../../protocol/messages/fetch.ts'
import { lastOffsetIn } from '../log/batch-walk.ts'
import type { PartitionLog } from '../log/partition-log.ts'
import { type AbortedRange, abortedBetween } from '../log/transaction-index.ts'
import type { RequestContext, Services } from '../services.ts'
import { checkLeaderEpoch } from './leader-epoch.ts'

const readCommitted = 1

type Request = RequestOf<typeof fetch>
type PartitionRequest = Request['topics'][number]['partitions'][number]
type PartitionAnswer = ResponseInput<typeof fetch>['topics'][number]['partitions'][number]

/** What one pass over the partitions found. */
interface Collected {
  readonly response: ResponseInput<typeof fetch>
  readonly sizeBytes: number
  readonly hasError: boolean
}

/**
 * Fetch (1): whole batches below the high watermark, or below the last stable offset with the aborted transactions in
 * range. Waits up to `maxWaitMs` for `minBytes`, woken by appends and by transactions that end.
 *
 * Sessions are declined: the answer's session id 0 tells the client to name all its partitions each time.
 */
export async function handleFetch(
  services: Services,
  request: Request,
  context: RequestContext,
): Promise<ResponseInput<typeof fetch>> {
  if (request.sessionId !== 0) return { errorCode: kafkaError.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, topics: [] }
  const deadline = services.clock.monotonicMs() + request.maxWaitMs
  const logs = request.topics.flatMap(({ name, partitions }) =>
    partitions.flatMap(({ index }) => services.topics.log(name, index) ?? []),
  )
  for (;;) {
    const wait = new Wait(services, logs, context)
    try {
      const found = await collect(services, request)
      const left = deadline - services.clock.monotonicMs()
      const isEnough = found.sizeBytes >= request.minBytes || found.hasError || logs.length === 0
      if (isEnough || left <= 0 || context.connection.isClosed) return found.response
      await wait.until(left)
    } finally {
      wait.end()
    }
    // Partitions written by one request come in one after the other: a turn of the loop lets the rest of them in.
    await services.clock.yield()
  }
}

/** The bytes of the records, which are nearly all of an answer. */
export function fetchSizeHint(response: ResponseInput<typeof fetch>): number {
  let total = 256
  for (const { name, partitions } of response.topics) {
    total += name.length + 16
    for (const { records, abortedTransactions } of partitions) {
      total += 96 + (abortedTransactions?.length ?? 0) * 17
      for (const piece of (records as readonly Uint8Array[] | null) ?? []) total += piece.length
    }
  }
  return total
}

/** Waits for any of the logs to move, for time to pass, or for the client to go. Listens from its making on. */
class Wait {
  private readonly services: Services
  private readonly stops: (() => void)[]
  private hasMoved = false
  private wake: (() => void) | null = null

  constructor(services: Services, logs: readonly PartitionLog[], context: RequestContext) {
    this.services = services
    const moved = (): void => {
      this.hasMoved = true
      this.wake?.()
    }
    this.stops = [...logs.map((log) => log.watch(moved)), context.connection.onClose(moved)]
  }

  until(ms: number): Promise<void> {
    if (this.hasMoved) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel = this.services.clock.timer(ms, resolve)
      this.stops.push(cancel)
      this.wake = resolve
    })
  }

  end(): void {
    for (const stop of this.stops) stop()
  }
}

async function collect(services: Services, request: Request): Promise<Collected> {
  let left = Math.min(request.maxBytes, services.options.fetchBytesMax)
  let sizeBytes = 0
  let hasError = false
  const topics: { name: string; partitions: PartitionAnswer[] }[] = []
  for (const { name, partitions } of request.topics) {
    const answers: PartitionAnswer[] = []
    for (const wanted of partitions) {
      const log = services.topics.log(name, wanted.index)
      const error = log ? problemOf(log, wanted) : kafkaError.UNKNOWN_TOPIC_OR_PARTITION
      if (!log || error !== kafkaError.NONE) {
        hasError = true
        answers.push(failed(wanted.index, error))
        continue
      }
      // Whatever the limits, the first partition that has data gives one batch: else a large one would stop all.
      const answer = await read(services, log, wanted, request.isolationLevel, left, sizeBytes === 0)
      answers.push(answer.partition)
      sizeBytes += answer.sizeBytes
      left = Math.max(0, left - answer.sizeBytes)
    }
    topics.push({ name, partitions: answers })
  }
  return { response: { errorCode: kafkaError.NONE, sessionId: 0, topics }, sizeBytes, hasError }
}

function problemOf(log: PartitionLog, wanted: PartitionRequest): number {
  const epochProblem = checkLeaderEpoch(log, wanted.currentLeaderEpoch)
  if (epochProblem !== kafkaError.NONE) return epochProblem
  const isInRange = wanted.fetchOffset >= log.startOffset && wanted.fetchOffset <= log.endOffset
  return isInRange ? kafkaError.NONE : kafkaError.OFFSET_OUT_OF_RANGE
}

async function read(
  services: Services,
  log: PartitionLog,
  wanted: PartitionRequest,
  isolationLevel: number,
  bytesLeft: number,
  atLeastOne: boolean,
): Promise<{ readonly partition: PartitionAnswer; readonly sizeBytes: number }> {
  const { highWatermark, lastStableOffset } = log
  const isCommitted = isolationLevel === readCommitted
  // Taken before the records are read: what is deleted meanwhile is forgotten, and may be among them.
  const aborted = log.abortedRanges()
  const records = await log.read({
    fromOffset: wanted.fetchOffset,
    upToOffset: isCommitted ? lastStableOffset : highWatermark,
    maxBytes: Math.min(wanted.maxBytes, bytesLeft),
    atLeastOne,
  })
  const sizeBytes = records.reduce((total, piece) => total + piece.length, 0)
  const partition: PartitionAnswer = {
    index: wanted.index,
    errorCode: kafkaError.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset: log.startOffset,
    abortedTransactions: isCommitted ? abortedIn(services, aborted, wanted.fetchOffset, records) : null,
    records,
  }
  return { partition, sizeBytes }
}

function abortedIn(
  services: Services,
  known: readonly AbortedRange[],
  fromOffset: number,
  records: readonly Buffer[],
): { producerId: number; firstOffset: number }[] {
  const lastPiece = records.at(-1)
  if (!lastPiece || known.length === 0) return []
  const aborted = abortedBetween(known, fromOffset, lastOffsetIn(lastPiece) + 1)
  if (services.options.shuffleAborted) {
    for (let i = aborted.length - 1; i > 0; i--) {
      const j = services.random.integer(i + 1)
      ;[aborted[i], aborted[j]] = [aborted[j] as (typeof aborted)[0], aborted[i] as (typeof aborted)[0]]
    }
  }
  return aborted
}

function failed(index: number, errorCode: number): PartitionAnswer {
  return {
    index,
    errorCode,
    highWatermark: -1,
    lastStableOffset: -1,
    abortedTransactions: null,
    records: [],
  }
}
