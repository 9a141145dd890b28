import { partitionKey } from '../../core/topic-partition.ts'
import type { RequestOf, ResponseInput } from '../../protocol/api.ts'
import { kafkaError } from '../../protocol/kafka-errors.ts'
import type { describeProducers, describeTransactions, listTransactions } from '../../protocol/messages/transaction.ts'
import type { Services } from '../services.ts'
import { transactionStates } from '../transactions/transaction-row.ts'

/** DescribeProducers (61): who has written to partitions, and where open transactions begin. */
export function handleDescribeProducers(
  services: Services,
  request: RequestOf<typeof describeProducers>,
): ResponseInput<typeof describeProducers> {
  return {
    topics: request.topics.map(({ name, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((index) => {
        const log = services.topics.log(name, index)
        if (!log) {
          const errorMessage = `no partition ${partitionKey(name, index)}`
          return { index, errorCode: kafkaError.UNKNOWN_TOPIC_OR_PARTITION, errorMessage, activeProducers: [] }
        }
        const activeProducers = [...log.producers.all()].map((state) => ({
          producerId: state.producerId,
          producerEpoch: state.epoch,
          lastSequence: state.batches.at(-1)?.lastSequence ?? -1,
          lastTimestamp: state.lastTimestamp,
          coordinatorEpoch: state.coordinatorEpoch,
          currentTxnStartOffset: state.openSince ?? -1,
        }))
        return { index, errorCode: kafkaError.NONE, errorMessage: null, activeProducers }
      }),
    })),
  }
}

/** ListTransactions (66), filtered by state, producer and age. */
export function handleListTransactions(
  services: Services,
  request: RequestOf<typeof listTransactions>,
): ResponseInput<typeof listTransactions> {
  const { stateFilters, producerIdFilters, durationFilterMs } = request
  const isKnown = (state: string): boolean => (transactionStates as readonly string[]).includes(state)
  const wanted = stateFilters.filter(isKnown)
  const now = services.clock.now()
  const rows = [...services.transactions.all()].filter(
    (row) =>
      // Only unknown states named: nothing can match.
      (stateFilters.length === 0 || wanted.includes(row.state)) &&
      (producerIdFilters.length === 0 || producerIdFilters.includes(row.producerId)) &&
      (durationFilterMs < 0 || (row.startedAt >= 0 && now - row.startedAt > durationFilterMs)),
  )
  return {
    errorCode: kafkaError.NONE,
    unknownStateFilters: stateFilters.filter((state) => !isKnown(state)),
    transactionStates: rows.map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    })),
  }
}

/** DescribeTransactions (65). */
export function handleDescribeTransactions(
  services: Services,
  request: RequestOf<typeof describeTransactions>,
): ResponseInput<typeof describeTransactions> {
  return {
    transactionStates: request.transactionalIds.map((transactionalId) => {
      const row = services.transactions.get(transactionalId)
      if (!row) {
        return {
          errorCode: kafkaError.TRANSACTIONAL_ID_NOT_FOUND,
          transactionalId,
          transactionState: '',
          transactionTimeoutMs: 0,
          transactionStartTimeMs: 0,
          producerId: -1,
          producerEpoch: -1,
          topics: [],
        }
      }
      const byTopic = new Map<string, number[]>()
      for (const { topic, partition } of row.partitions) {
        byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
      }
      return {
        errorCode: kafkaError.NONE,
        transactionalId,
        transactionState: row.state,
        transactionTimeoutMs: row.timeoutMs,
        transactionStartTimeMs: row.startedAt,
        producerId: row.producerId,
        producerEpoch: row.epoch,
        topics: [...byTopic].map(([name, partitions]) => ({ name, partitions })),
      }
    }),
  }
}
