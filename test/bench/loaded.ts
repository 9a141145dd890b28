import { openFileStorage } from '../../src/broker/storage/file-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { noHeaders } from '../../src/core/record.ts'
import { runStep } from '../../src/core/steps.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'
import { openEmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { Admin } from '../../src/kafka/admin.ts'
import { ClusterMetadata } from '../../src/kafka/cluster-metadata.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { KafkaClient } from '../../src/kafka/kafka-client.ts'
import { partitionOf } from '../../src/kafka/partitioner.ts'
import { TopicLimits } from '../../src/kafka/topic-limits.ts'
import { TransactionalProducer } from '../../src/kafka/transactional-producer.ts'

/** Loading waits for the broker beyond these. */
const pendingBytesMax = 16 * 1024 * 1024

/** What a topic of the embedded broker is loaded with. */
export interface Load {
  readonly topic: string
  readonly partitions: number
  readonly records: number
  readonly key: (index: number) => Buffer
  readonly value: (index: number) => Buffer
  readonly timestamp: (index: number) => number
}

/** Writes records to a topic of the embedded broker of a data directory, in one transaction. */
export async function loadEmbedded(dataDirectory: string, load: Load): Promise<void> {
  const opened = await openEmbeddedBroker({
    storage: await openFileStorage(`${dataDirectory}/broker`, process.pid),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  })
  const transport = new HandlerTransport(opened.broker.connect, systemClock, 'loader')
  const client = new KafkaClient({ transport, clock: systemClock, random: systemRandom, logger: silentLogger })
  await client.open(5000)
  const metadata = new ClusterMetadata(client)
  const { topic: name, partitions } = load
  const admin = new Admin(client, metadata)
  await admin.createTopics([{ name, partitions, config: { 'retention.ms': '-1' } }])
  const producer = new TransactionalProducer({
    client,
    metadata,
    transactionalId: 'loader',
    transactionTimeoutMs: 60_000,
    steps: runStep,
    limits: new TopicLimits(admin),
  })
  await producer.init()
  for (let i = 0; i < load.records; i++) {
    const key = load.key(i)
    producer.output(name, partitionOf(key, partitions)).append(key, load.value(i), load.timestamp(i), noHeaders)
    if (producer.pendingBytes > pendingBytesMax) await producer.drained()
  }
  await producer.flush()
  await producer.commit()
  await transport.close()
  await opened.close()
}
