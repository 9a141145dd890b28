import type { PlantedBug } from '../planted-bug.ts'

export const kafkaBugs1: readonly PlantedBug[] = [
  {
    name: 'the generation is left out of TxnOffsetCommit',
    file: 'src/kafka/transaction-requests.ts',
    find: 'const request = { ...this.holder(producer), ...group, topics: offsetsByTopic(offsets) }',
    replace:
      'const request = { ...this.holder(producer), ...group, generationId: -1, topics: offsetsByTopic(offsets) }',
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer commits offsets under the membership',
    },
  },
  {
    name: 'the member id is left out of TxnOffsetCommit',
    file: 'src/kafka/transaction-requests.ts',
    find: 'const request = { ...this.holder(producer), ...group, topics: offsetsByTopic(offsets) }',
    replace: `const request = { ...this.holder(producer), ...group, memberId: '', generationId: -1, groupInstanceId: null, topics: offsetsByTopic(offsets) }`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer commits offsets under the membership',
    },
  },
  {
    name: 'the sequence of a partition does not begin again with a new epoch',
    file: 'src/kafka/partition-output.ts',
    find: `    this.writer = null
    this.sequence = 0
`,
    replace: `    this.writer = null
`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer hides what an aborted transaction wrote, and goes on',
    },
  },
  {
    name: 'partitions are not entered into the next transaction',
    file: 'src/kafka/partition-output.ts',
    find: `    this.isInTransaction = false
    if (isNewEpoch)`,
    replace: `    if (isNewEpoch)`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer commits offsets with its records, or neither',
    },
  },
  {
    name: 'what an older attempt has under way touches the numbers of the new one',
    file: 'src/kafka/transactional-producer.ts',
    find: 'this.sendReady(() => attempt !== this.attempt)',
    replace: 'this.sendReady(() => false)',
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer takes no number',
    },
  },
  {
    name: 'an abort does not wait for what is under way',
    file: 'src/kafka/transactional-producer.ts',
    find: `    this.giveUp()
    await this.draining
`,
    replace: `    this.giveUp()
`,
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer sends nothing any more behind an abort, and leaves no transaction open',
    },
  },
  {
    name: 'a failed batch is forgotten',
    file: 'src/kafka/transactional-producer.ts',
    find: `    if (this.failure) throw this.failure.error
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer keeps a failed produce for the next flush, and begins anew after init',
    },
  },
  {
    name: 'two batches of a partition go out in one request',
    file: 'src/kafka/transactional-producer.ts',
    find: `      if (round.has(batch.output)) rest.push(batch)
      else round.set(batch.output, batch)`,
    replace: '      round.set(batch.output, batch)',
    killer: {
      project: 'unit',
      file: 'kafka/transactional-producer.test.ts',
      test: 'a transactional producer sends what is full while more comes in, one request at a time',
    },
  },
  {
    name: 'uncommitted records are fetched',
    file: 'src/kafka/fetcher.ts',
    find: `        isolationLevel: 1,
`,
    replace: `        isolationLevel: 0,
`,
    killer: {
      project: 'unit',
      file: 'kafka/fetcher.test.ts',
      test: 'a fetcher brings nothing of a transaction before it ends, and then what it takes to leave an aborted one out',
    },
  },
  {
    name: 'an answer for an older assignment is taken',
    file: 'src/kafka/fetcher.ts',
    find: `        if (!queue || asked.get(queue) !== queue.fetchOffset) continue
`,
    replace: `        if (!queue) continue
`,
    killer: {
      project: 'unit',
      file: 'kafka/fetcher.test.ts',
      test: 'an answer on its way is dropped when its partition was assigned anew: the new queue gets what it asked for itself',
    },
  },
  {
    name: 'a partition that moved is asked for at its old leader',
    file: 'src/kafka/fetcher.ts',
    find: `    if (this.isCurrent(queue)) this.leaders.delete(partitionKey(queue.topic, queue.partition))
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'kafka/fetcher-failures.test.ts',
      test: 'a leader that answers with NOT_LEADER_OR_FOLLOWER is left for the one that the cluster names next, and nothing is missed',
    },
  },
  {
    name: 'a taken answer is given back twice',
    file: 'src/kafka/fetch-queue.ts',
    find: `    if (!this.taken.delete(chunk)) return
`,
    replace: `    this.taken.delete(chunk)
`,
    killer: {
      project: 'unit',
      file: 'kafka/fetch-queue.test.ts',
      test: 'a queue of what was fetched pays nothing back twice when what was taken is released behind a clear',
    },
  },
  {
    name: 'a batch that is cut off is skipped',
    file: 'src/kafka/fetch-queue.ts',
    find: `    this.fetchOffset = next
`,
    replace: `    this.fetchOffset = next + 1
`,
    killer: {
      project: 'unit',
      file: 'kafka/fetcher-failures.test.ts',
      test: 'a partition that is assigned anew is fetched, also when the fetch of before fails behind it',
    },
  },
  {
    name: 'a member keeps its id when the coordinator has forgotten it',
    file: 'src/kafka/group-member.ts',
    find: `        case kafkaError.UNKNOWN_MEMBER_ID:
        case kafkaError.ILLEGAL_GENERATION:
          this.memberId = ''
          return null
`,
    replace: `        case kafkaError.UNKNOWN_MEMBER_ID:
        case kafkaError.ILLEGAL_GENERATION:
          return null
`,
    killer: {
      project: 'unit',
      file: 'kafka/group-member.test.ts',
      test: 'a group member that was suspended past its session is told to join again',
    },
  },
  {
    name: 'a rebalance is not noticed',
    file: 'src/kafka/group-member.ts',
    find: 'if (errorCode === kafkaError.REBALANCE_IN_PROGRESS) this.needsRejoin = true',
    replace: 'if (errorCode === kafkaError.REBALANCE_IN_PROGRESS) this.needsRejoin = false',
    killer: {
      project: 'unit',
      file: 'kafka/group-member.test.ts',
      test: 'a group member learns from a heartbeat that another has come, and keeps its share',
    },
  },
  {
    name: 'a static member that returns does not ask for a round',
    file: 'src/kafka/group-member.ts',
    find: `      if (says || again++ > 0) return data
`,
    replace: `      return data
`,
    killer: {
      project: 'unit',
      file: 'kafka/group-member.test.ts',
      test: 'a group member that restarts with another plan asks for a new round',
    },
  },
  {
    name: 'whoever leads never asks which plan was written down last',
    file: 'src/kafka/group-member.ts',
    find: 'if (isOne && (await newestPlan()) <= version) {',
    replace: 'if (isOne) {',
    killer: {
      project: 'unit',
      file: 'kafka/group-member.test.ts',
      test: 'a group member that leads gives no task to an older plan',
    },
  },
  {
    name: 'heartbeats stop behind the first',
    file: 'src/kafka/group-member.ts',
    find: `          if (!this.lost && this.cancelHeartbeat) this.scheduleHeartbeat()
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'kafka/group-member.test.ts',
      test: 'a group member leaves its tasks to the others at once when it leaves, and after a session when it dies',
    },
  },
  {
    name: 'a fetch groups by topic, whoever waits',
    file: 'src/kafka/by-topic.ts',
    find: `    const last = topics.at(-1)
    if (last?.name === item.topic)`,
    replace: `    const last = topics.find(({ name }) => name === item.topic)
    if (last)`,
    killer: {
      project: 'unit',
      file: 'kafka/fetcher.test.ts',
      test: 'a fetcher of partitions that have more than one answer holds gives a partition with a large batch its turn',
    },
  },
  {
    name: 'a file that is closed keeps its turn',
    file: 'connectors/files/text-file-reader.ts',
    find: `    this.state = 'closed'
    this.turn.close()
`,
    replace: `    this.state = 'closed'
`,
    killer: {
      project: 'unit',
      file: 'connectors/files/text-files.test.ts',
      test: 'text files lets the next file read',
    },
  },
]
