import type { PlantedBug } from '../planted-bug.ts'

export const brokerBugs2: readonly PlantedBug[] = [
  {
    name: 'a partition outside the transaction takes its batches',
    file: 'src/broker/transactions/transaction-coordinator.ts',
    find: `return row.state === 'Ongoing' && isIn ? kafkaError.NONE`,
    replace: `return row.state === 'Ongoing' || isIn ? kafkaError.NONE`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker a transaction takes records only in partitions that were added, from a producer that says who it is',
    },
  },
  {
    name: 'held offsets are read before their transaction ends',
    file: 'src/broker/groups/group-offsets.ts',
    find: `    for (const groups of this.pending.values()) if (groups.get(groupId)?.has(key)) return true
`,
    replace: '',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker offsets in a transaction make only their own partitions unstable',
    },
  },
  {
    name: 'an older offset replaces a newer one',
    file: 'src/broker/groups/group-offsets.ts',
    find: `        if (known && known.order > entry.order) continue
`,
    replace: `        void known
`,
    killer: {
      project: 'unit',
      file: 'broker/group-offsets.test.ts',
      test: 'the offsets of a group stay where they were committed last, over a restart, too, when an older one of a transaction takes effect meanwhile',
    },
  },
  {
    name: 'offsets held over a restart are lost',
    file: 'src/broker/groups/group-offsets.ts',
    find: `      this.putPending(Number(names[0]), names[1] as string, value)
`,
    replace: `      void [names, value]
`,
    killer: {
      project: 'unit',
      file: 'broker/topics.test.ts',
      test: 'a topic of a name that was deleted inherits no offsets of a transaction that ends later, over a restart, too',
    },
  },
  {
    name: 'an old generation may commit',
    file: 'src/broker/groups/group-coordinator.ts',
    find: '    return claim.generationId === group.generationId ? kafkaError.NONE : kafkaError.ILLEGAL_GENERATION',
    replace: '    return claim.generationId <= group.generationId ? kafkaError.NONE : kafkaError.ILLEGAL_GENERATION',
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker a group refuses strangers, old generations, empty group ids and session timeouts out of range',
    },
  },
  {
    name: 'a member whose session is over stays',
    file: 'src/broker/groups/group-coordinator.ts',
    find: `      sessionTimeoutMs: member.terms.sessionTimeoutMs,
    })
    this.rebalance.dismiss(group, member)`,
    replace: `      sessionTimeoutMs: member.terms.sessionTimeoutMs,
    })`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker a group takes out a dynamic member that is not heard of',
    },
  },
  {
    name: 'records below the start of the log are read',
    file: 'src/broker/log/partition-log.ts',
    find: `    this.startOffset = offset
    this.transactions.forgetBelow(offset)
`,
    replace: `    this.transactions.forgetBelow(offset)
`,
    killer: {
      project: 'contract',
      file: 'broker-in-process.test.ts',
      test: 'the embedded broker, in-process, as a Kafka broker DeleteRecords moves the start of the log, never back and never past its end',
    },
  },
  {
    name: 'the high watermark runs ahead of what is written',
    file: 'src/broker/log/partition-log.ts',
    find: `    this.endOffset = lastOffset + 1
    this.writer.write(segment, bytes, this.endOffset)`,
    replace: `    this.endOffset = lastOffset + 1
    this.highWatermark = this.endOffset
    this.writer.write(segment, bytes, this.endOffset)`,
    killer: { project: 'unit', file: 'broker/partition-log.test.ts', test: 'a log on a disk shows nothing before' },
  },
]
