import { ByteBudget } from '../../src/kafka/byte-budget.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import type { FetchQueue } from '../../src/kafka/fetch-queue.ts'
import { Fetcher, type FetcherLimits } from '../../src/kafka/fetcher.ts'
import type { RequestOf } from '../../src/protocol/api.ts'
import type { fetch } from '../../src/protocol/messages/fetch.ts'
import { textsIn } from './broker-harness.ts'
import { type Asked, clientOfBroker } from './scripted-transport.ts'

/** A fetcher over an embedded broker with the topic `words` of three partitions. */
export async function fetcherOverBroker(limits: FetcherLimits = {}, budgetBytes = 1 << 20) {
  const world = await clientOfBroker()
  await world.session.createTopic('words', 3)
  const budget = new ByteBudget(budgetBytes)
  let told = 0
  let watchers: (() => void)[] = []
  const onFetched = (): void => {
    told++
    for (const watcher of watchers.splice(0)) watcher()
  }
  const fetcher = new Fetcher(world.client, new ClusterMetadata(world.client), budget, onFetched, limits)
  const close = async (): Promise<void> => {
    fetcher.close()
    await world.close()
  }
  /** Resolves when the fetcher has told of something for which this holds. */
  const fetched = async (done: () => boolean): Promise<void> => {
    while (!done()) await new Promise<void>((resolve) => (watchers = [...watchers, resolve]))
  }
  return { ...world, budget, fetcher, fetched, told: () => told, close }
}

/** Takes all that waits in a queue, and releases it where that is not left for later. */
export function take(queue: FetchQueue): [offset: number, text: string][] {
  const texts: [number, string][] = []
  for (let chunk = queue.take(); chunk; chunk = queue.take()) {
    texts.push(...textsIn(chunk.records))
    queue.release(chunk)
  }
  return texts
}

/** Partitions that a fetch asks for, with their offsets. */
export const wantedBy = ({ request }: Asked<RequestOf<typeof fetch>>): number[][] =>
  request.topics.flatMap(({ partitions }) => partitions.map(({ index, fetchOffset }) => [index, fetchOffset]))

/** What a cluster of two brokers says of who leads the partitions of `words`. */
export const led = (leaders: readonly number[]) => ({
  brokers: [1, 2].map((nodeId) => ({ nodeId, host: 'localhost', port: nodeId })),
  topics: [
    {
      errorCode: 0,
      name: 'words',
      partitions: leaders.map((leaderId, index) => ({
        errorCode: 0,
        index,
        leaderId,
        replicaNodes: [1, 2],
        isrNodes: [1, 2],
      })),
    },
  ],
})

/** An answer for partition 0 of `words`. */
export const answered = (errorCode: number, records: Buffer | null = null) => {
  const offsets = { highWatermark: 9, lastStableOffset: 9, abortedTransactions: null }
  return { topics: [{ name: 'words', partitions: [{ index: 0, errorCode, records, ...offsets }] }] }
}

/** A text whose batch is larger than 1,000 bytes, and smaller than 1,100. */
export const large = (name: string): string => name.padEnd(1000, '.')
/** Those names. */
export const namesIn = (texts: readonly (readonly [number, string])[]): string[] =>
  texts.map(([, text]) => text.replaceAll('.', ''))
