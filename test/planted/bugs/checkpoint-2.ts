import type { PlantedBug } from '../planted-bug.ts'

export const checkpointBugs2: readonly PlantedBug[] = [
  {
    name: 'restoring ends at the last stable offset instead of the high watermark',
    file: 'src/checkpoint/changelog-reader.ts',
    find: `steps('A3.listOffsets', () => this.app.admin.endOffsets([at], 'high'))`,
    replace: `steps('A3.listOffsets', () => this.app.admin.endOffsets([at], 'stable'))`,
    killer: {
      project: 'unit',
      file: 'checkpoint/changelog-reader.test.ts',
      test: 'a changelog reader waits for a transaction that has reached the log',
    },
  },
  {
    name: 'a transaction that holds a changelog back is never fenced',
    file: 'src/checkpoint/changelog-reader.ts',
    find: 'if (now - stuckSince >= patienceMs) {',
    replace: 'if (now < stuckSince) {',
    killer: {
      project: 'unit',
      file: 'checkpoint/changelog-reader.test.ts',
      test: 'a changelog reader fences the producer of one that stays open, if that is no member any more',
    },
  },
  {
    name: 'aborted records of a changelog are applied',
    file: 'src/checkpoint/changelog-reader.ts',
    find: '} else if (!aborted.isAborted(header, null)) {',
    replace: '} else {',
    killer: {
      project: 'unit',
      file: 'checkpoint/changelog-reader.test.ts',
      test: 'a changelog reader leaves out what was aborted, and passes it',
    },
  },
  {
    name: 'a changelog that ends before the store is taken for fine',
    file: 'src/checkpoint/changelog-reader.ts',
    find: `    if (from > target) throw outOfRange(at, from)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'checkpoint/changelog-reader.test.ts',
      test: 'a changelog reader refuses an offset that the log does not have yet',
    },
  },
  {
    name: 'records before the position are applied again',
    file: 'src/checkpoint/changelog-reader.ts',
    find: 'if (cursor.offset < from || key === null) continue',
    replace: 'if (key === null) continue',
    killer: {
      project: 'unit',
      file: 'checkpoint/changelog-reader.test.ts',
      test: 'a changelog reader goes on from where it is told, inside a batch',
    },
  },
  {
    name: 'stores that show different commits of theirs are accepted',
    file: 'src/checkpoint/commit-agreement.ts',
    find: 'other.row?.stores.includes(store) && ',
    replace: 'other.row === null && ',
    killer: {
      project: 'unit',
      file: 'checkpoint/commit-agreement.test.ts',
      test: 'the stores of a task have where one of them lacks a commit',
    },
  },
  {
    name: 'a store that is behind the group is accepted',
    file: 'src/checkpoint/commit-agreement.ts',
    find: '(committed.get(input) ?? 0) > row.commitId',
    replace: '(committed.get(input) ?? 0) < 0',
    killer: {
      project: 'unit',
      file: 'checkpoint/commit-agreement.test.ts',
      test: 'the stores of a task have where one is behind',
    },
  },
  {
    name: 'purging goes beyond what was committed',
    file: 'src/checkpoint/purge.ts',
    find: '({ ...parsePartitionKey(key), offset })',
    replace: '({ ...parsePartitionKey(key), offset: offset + 1 })',
    killer: {
      project: 'unit',
      file: 'checkpoint/purge.test.ts',
      test: 'a purge deletes up to the position of the latest commit, 30 s after the last',
    },
  },
  {
    name: 'a purge that failed is forgotten',
    file: 'src/checkpoint/purge.ts',
    find: `      for (const [key, offset] of taken) if (!this.positions.has(key)) this.positions.set(key, offset)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'checkpoint/purge.test.ts',
      test: 'a purge that failed is repeated by the next, whoever commits then',
    },
  },
  {
    name: 'a store older than its deletes are kept is trusted',
    file: 'src/checkpoint/store-meta.ts',
    find: 'meta.writtenMs < oldestMs',
    replace: 'meta.writtenMs < 0',
    killer: {
      project: 'unit',
      file: 'checkpoint/store-meta.test.ts',
      test: 'a store does not fit once deletes in its changelog may have expired',
    },
  },
  {
    name: 'a store of another changelog topic is trusted',
    file: 'src/checkpoint/store-meta.ts',
    find: `'clusterId', 'topicId', 'beganAt'] as const`,
    replace: `'clusterId', 'beganAt'] as const`,
    killer: {
      project: 'unit',
      file: 'checkpoint/store-meta.test.ts',
      test: 'a store of another topicId does not fit, and says so',
    },
  },
]
