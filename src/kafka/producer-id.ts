import { kafkaError } from '../protocol/kafka-errors.ts'
import { initProducerId } from '../protocol/messages/transaction.ts'
import type { ProducerIdentity } from '../protocol/record-batch-writer.ts'
import type { KafkaClient } from './kafka-client.ts'
import { kafkaFailure } from './kafka-error.ts'

/**
 * Gets an id and epoch for a transactional id: whatever transaction it left open is ended, and whoever else holds it is
 * fenced. That is also how the transaction of a dead producer is freed at once (X3).
 */
export async function initTransactionalId(
  client: KafkaClient,
  transactionalId: string,
  transactionTimeoutMs: number,
): Promise<ProducerIdentity> {
  const deadline = client.deadline(60_000)
  return client.retrying(
    deadline,
    async () => {
      const node = await client.transactionCoordinator('data', transactionalId, deadline)
      const answer = await client.send('data', node, initProducerId, { transactionalId, transactionTimeoutMs })
      if (answer.errorCode !== kafkaError.NONE) throw kafkaFailure(answer.errorCode, initProducerId.name)
      return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
    },
    5,
  )
}
