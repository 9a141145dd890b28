import type { Killer, PlantedBug } from '../planted-bug.ts'

const producerTest = (test: string): Killer => ({
  project: 'unit',
  file: 'kafka/transactional-producer.test.ts',
  test: `a transactional producer ${test}`,
})
const clientTest = (test: string): Killer => ({ project: 'unit', file: 'kafka/kafka-client.test.ts', test })
const epochsTest = (test: string): Killer => ({
  project: 'unit',
  file: 'broker/raised-epochs.test.ts',
  test: `an EndTxn that raises the epoch ${test}`,
})
const conformance = (test: string): Killer => ({
  project: 'contract',
  file: 'broker-in-process.test.ts',
  test: `the embedded broker, in-process, as a Kafka broker ${test}`,
})

/** Of transactions of version 2 (KIP-890): the producer, then the broker. */
export const secondTransactionBugs: readonly PlantedBug[] = [
  {
    name: 'sequences go on under a new epoch',
    file: 'src/kafka/partition-output.ts',
    find: `    if (isNewEpoch) this.sequence = 0
`,
    replace: `    void isNewEpoch
`,
    killer: producerTest('in transactions of version 2 numbers its batches'),
  },
  {
    name: 'a transaction bears the epoch of the last',
    file: 'src/kafka/transactional-producer.ts',
    find: `    this.identity = next
`,
    replace: '',
    killer: producerTest('in transactions of version 2 numbers its batches'),
  },
  {
    name: 'the end of a transaction that was given up brings its epoch to the next attempt',
    file: 'src/kafka/transactional-producer.ts',
    find: `    const next = await this.requests.end(producer, true)
    if (attempt !== this.attempt) return
`,
    replace: `    const next = await this.requests.end(producer, true)
    void attempt
`,
    killer: producerTest('that was given up while its transaction ended'),
  },
  {
    name: 'offsets alone open no transaction',
    file: 'src/kafka/transactional-producer.ts',
    find: `    this.isOpen = true
    await this.requests.commitOffsets`,
    replace: `    await this.requests.commitOffsets`,
    killer: producerTest('in transactions of version 2 commits offsets alone'),
  },
  {
    name: 'a coordinator that is busy with the last transaction makes the next one unknown',
    file: 'src/kafka/batch-sender.ts',
    find: `  kafkaError.CONCURRENT_TRANSACTIONS,
`,
    replace: '',
    killer: producerTest('in transactions of version 2 sends a batch again'),
  },
  {
    name: 'transactions of version 2 are used where they are served and not agreed on',
    file: 'src/kafka/kafka-client.ts',
    find: '>= 2 ? 2 : 1',
    replace: '>= 1 ? 2 : 1',
    killer: clientTest('a client that opens learns that the cluster has transactions of version 1'),
  },
  {
    name: 'a feature counts that nobody knows to be finalized',
    file: 'src/kafka/kafka-client.ts',
    find: `    if (answer.finalizedFeaturesEpoch < 0) return 0
`,
    replace: '',
    killer: clientTest(
      'a client that opens keeps to transactions of version 1 where the cluster does not know what is finalized',
    ),
  },
  {
    name: 'the end of a transaction does not raise the epoch',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: 'const raised = { epoch: epoch + 1, lastEpoch: epoch, ...next }',
    replace: 'const raised = { epoch, lastEpoch: epoch, ...next }',
    killer: conformance('a transaction of version 2 opens with its first batch'),
  },
  {
    name: 'who asks again for the end of its transaction is fenced',
    file: 'src/broker/transactions/producer-claim.ts',
    find: 'if (isComplete && (isOverflow || isNext)) {',
    replace: 'if (isComplete && isOverflow) {',
    killer: conformance('a transaction of version 2 may be ended again'),
  },
  {
    name: 'who asks again is told the outcome that it asks for, not the one there was',
    file: 'src/broker/transactions/producer-claim.ts',
    find: 'return isSame ? granted(row)',
    replace: 'return isSame || true ? granted(row)',
    killer: conformance('a transaction of version 2 may be ended again'),
  },
  {
    name: 'the last epoch of a producer is passed',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: 'epoch < epochMax ? {}',
    replace: 'epoch <= epochMax ? {}',
    killer: epochsTest('gives another producer id where the epochs have run out'),
  },
  {
    name: 'the id to go on with is lost with the broker that took it',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `...(nextProducerId === undefined ? {} : { producerId: nextProducerId, epoch: 0 }),`,
    replace: `...(nextProducerId === undefined ? {} : { epoch: 0 }),`,
    killer: epochsTest('goes on with the id that it took'),
  },
  {
    name: 'offsets do not enter their group',
    file: 'src/broker/handlers/group-offsets.ts',
    find: 'const enteringSince = 5',
    replace: 'const enteringSince = 6',
    killer: conformance('offsets in a transaction of version 2 open it by themselves'),
  },
  {
    name: 'offsets that are none open a transaction',
    file: 'src/broker/handlers/group-offsets.ts',
    find: `  if (entries.length === 0) return { topics }
`,
    replace: '',
    killer: conformance('offsets in a transaction of version 2 that are none open nothing'),
  },
]
