import type { PlantedBug } from '../planted-bug.ts'

export const brokerBugs1: readonly PlantedBug[] = [
  {
    name: 'a batch beyond the last stable offset comes from the tail cache',
    file: 'src/broker/log/tail-cache.ts',
    find: `      if (batch.baseOffset >= upToOffset) break
`,
    replace: '',
    killer: { project: 'unit', file: 'broker/tail-cache.test.ts', test: 'the tail of a log in memory gives nothing' },
  },
  {
    name: 'an aborted list lacks the transactions that end late',
    file: 'src/broker/log/transaction-index.ts',
    find: '    if ((aborted[middle] as AbortedRange).lastOffset < fromOffset) low = middle + 1',
    replace: '    if ((aborted[middle] as AbortedRange).firstOffset < fromOffset) low = middle + 1',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker a transaction is listed as aborted, with its first offset, to readers of its range only',
    },
  },
  {
    name: 'an abort is not listed',
    file: 'src/broker/log/transaction-index.ts',
    find: `    if (isAbort) this.aborted.push({ producerId, firstOffset, lastOffset: markerOffset })
`,
    replace: `    void isAbort
`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker a transaction is listed as aborted, with its first offset, to readers of its range only',
    },
  },
  {
    name: 'the last stable offset passes a marker that is not written yet',
    file: 'src/broker/log/transaction-index.ts',
    find: `    for (const { firstOffset } of this.ending) if (firstOffset < stable) stable = firstOffset
`,
    replace: '',
    killer: { project: 'unit', file: 'broker/transaction-index.test.ts', test: 'the last stable offset does not pass' },
  },
  {
    name: 'a prepared commit is not completed at a restart',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `if (row.state === 'PrepareCommit' || row.state === 'PrepareAbort') await this.complete(row)`,
    replace: `if (row.state === 'PrepareAbort') await this.complete(row)`,
    killer: {
      project: 'simulation',
      file: 'broker-transactions.test.ts',
      test: 'a transaction whose broker is killed while it ends',
    },
  },
  {
    name: 'a transaction is complete before its markers are',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `        if (log) await log.written(log.append(marker, header) + 1)
`,
    replace: `        if (log) log.append(marker, header)
`,
    killer: {
      project: 'simulation',
      file: 'broker-transactions.test.ts',
      test: 'a transaction whose broker is killed while it ends',
    },
  },
  {
    name: 'offsets of an aborted transaction come into force',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: 'const outcome = offsets.outcome(row.producerId, isCommit)',
    replace: 'const outcome = offsets.outcome(row.producerId, true)',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker offsets in a transaction take effect when it commits, and not when it aborts',
    },
  },
  {
    name: 'InitProducerId leaves an open transaction open',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `      if (row.state === 'Ongoing') {
        await this.fence(row)
        return refused(kafkaError.CONCURRENT_TRANSACTIONS)
      }
`,
    replace: '',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker InitProducerId aborts an open transaction, answers 51 until that is done, and fences its producer',
    },
  },
  {
    name: 'a fenced producer may end its transaction',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `    if (row.epoch !== claim.epoch) return kafkaError.PRODUCER_FENCED
`,
    replace: '',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker InitProducerId tells a fenced producer 47 in old versions and 90 in new ones',
    },
  },
  {
    name: 'an abort that times out keeps its epoch',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `moved(row, 'PrepareAbort', { epoch: row.epoch + 1, lastEpoch: row.epoch })`,
    replace: `moved(row, 'PrepareAbort', { lastEpoch: row.epoch })`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker InitProducerId aborts an open transaction, answers 51 until that is done, and fences its producer',
    },
  },
  {
    name: 'producers are not restored from a snapshot',
    file: 'src/broker/log/log-snapshot.ts',
    find: `  producers.restore(snapshot.producers)
`,
    replace: '',
    killer: { project: 'unit', file: 'broker/transaction-index.test.ts', test: 'a snapshot of a log brings back' },
  },
  {
    name: 'aborted transactions are not restored from a snapshot',
    file: 'src/broker/log/log-snapshot.ts',
    find: `  transactions.restore(snapshot.aborted)
`,
    replace: '',
    killer: { project: 'unit', file: 'broker/transaction-index.test.ts', test: 'a snapshot of a log brings back' },
  },
  {
    name: 'transactions that are open are not restored from a snapshot',
    file: 'src/broker/log/log-snapshot.ts',
    find: `    if (openSince !== null) transactions.begin(producerId, openSince)
`,
    replace: `    void [producerId, openSince]
`,
    killer: { project: 'unit', file: 'broker/transaction-index.test.ts', test: 'a snapshot of a log brings back' },
  },
  {
    name: 'a torn batch is kept',
    file: 'src/broker/log/log-recovery.ts',
    find: `      if (isChecked && header.crc !== batchChecksum(bytes, start, header.sizeBytes)) return false
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'broker/partition-log.test.ts',
      test: 'a log that is opened again is refused, and left as it is, where a batch is damaged in its records and whole ones stand behind it',
    },
  },
  {
    name: 'batches are not replayed when a log is opened',
    file: 'src/broker/log/log-recovery.ts',
    find: 'if (header.producerId >= 0 && header.baseOffset >= skipBelow) replay.enter(bytes, start, header)',
    replace: 'void [replay, skipBelow]',
    killer: { project: 'unit', file: 'broker/partition-log.test.ts', test: 'a log on a disk knows its producers' },
  },
  {
    name: 'a repeated batch is appended again',
    file: 'src/broker/log/producer-states.ts',
    find: `    if (known) {
`,
    replace: `    if (known && known.baseOffset < 0) {
`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker an idempotent producer may repeat its last batches: the first answer is given again and nothing is appended',
    },
  },
  {
    name: 'a batch out of sequence is appended',
    file: 'src/broker/log/producer-states.ts',
    find: `    return header.baseSequence === expected
      ? append
`,
    replace: `    return header.baseSequence >= expected
      ? append
`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker an idempotent producer is refused a gap, and a batch that is only partly a repetition',
    },
  },
  {
    name: 'an old epoch may write',
    file: 'src/broker/log/producer-states.ts',
    find: `    if (header.producerEpoch < state.epoch) return { kind: 'refused', error: kafkaError.INVALID_PRODUCER_EPOCH }
`,
    replace: '',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker an idempotent producer begins a new epoch at sequence 0, and its old epoch is refused from then on',
    },
  },
]
