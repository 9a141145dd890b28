import type { PlantedBug } from '../planted-bug.ts'

export const checkpointBugs1: readonly PlantedBug[] = [
  {
    name: 'stores are written before the transaction is committed',
    file: 'src/checkpoint/commit.ts',
    find: `  await steps('B3.endTxn', () => producer.commit())
`,
    replace: `  await store(steps, cuts)
  await steps('B3.endTxn', () => producer.commit())
`,
    killer: { project: 'simulation', file: 'pinned.test.ts', test: 'pinned an EndTxn that arrives 80 ms' },
  },
  {
    name: 'offsets do not join the transaction',
    file: 'src/checkpoint/commit.ts',
    find: `await steps('B2.txnOffsetCommit', () => producer.commitOffsets(group, offsets))`,
    replace: `await steps('B2.txnOffsetCommit', async () => void offsets)`,
    killer: { project: 'simulation', file: 'pinned.test.ts', test: 'pinned an EndTxn that arrives 80 ms' },
  },
  {
    name: 'changelogs are not written',
    file: 'src/checkpoint/commit.ts',
    find: `    cut.writeChangelogs()
`,
    replace: '',
    killer: { project: 'simulation', file: 'pinned.test.ts', test: 'pinned an EndTxn that arrives 80 ms' },
  },
  {
    name: 'the commit does not wait for the acknowledgement of what was written',
    file: 'src/checkpoint/commit.ts',
    find: `  await producer.flush()
`,
    replace: `  producer.seal()
`,
    killer: { project: 'simulation', file: 'pinned.test.ts', test: 'pinned an EndTxn that arrives 80 ms' },
  },
  {
    name: 'only the first task that wrote is fenced by its offsets',
    file: 'src/checkpoint/commit.ts',
    find: 'cuts.flatMap((cut) => cut.offsets())',
    replace: 'cuts.slice(0, 1).flatMap((cut) => cut.offsets())',
    killer: { project: 'simulation', file: 'pinned.test.ts', test: 'pinned an EndTxn that arrives 80 ms' },
  },
  {
    name: 'queries see a commit before the stores have it',
    file: 'src/checkpoint/commit.ts',
    find: `  await allDone(cuts.map((cut) => steps('B4.writeStore', () => cut.writeStores())))
  // B5: and only now does anybody see it.
  await steps('B5.publish', async () => {
    for (const cut of cuts) cut.publish()
  })`,
    replace: `  await steps('B5.publish', async () => {
    for (const cut of cuts) cut.publish()
  })
  await allDone(cuts.map((cut) => steps('B4.writeStore', () => cut.writeStores())))`,
    killer: {
      project: 'simulation',
      file: 'queries.test.ts',
      test: 'who watches a key is told each committed value once',
    },
  },
  {
    name: 'offsets are read without waiting for open transactions (require_stable)',
    file: 'src/checkpoint/start-positions.ts',
    find: 'app.admin.committedOffsets(app.appId, partitions, true)',
    replace: 'app.admin.committedOffsets(app.appId, partitions, false)',
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is not told while a living producer',
    },
  },
  {
    name: 'a dead last committer is not fenced',
    file: 'src/checkpoint/start-positions.ts',
    find: `    if (committer !== undefined && !alive.has(committer) && !app.fence.hasFenced(committer)) dead.add(committer)
`,
    replace: `    void [committer, alive]
`,
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is what the last committer left',
    },
  },
  {
    name: 'offsets are not read again behind a fence',
    file: 'src/checkpoint/start-positions.ts',
    find: `  return dead.size > 0
`,
    replace: `  return false
`,
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is read again behind a fence',
    },
  },
  {
    name: 'whoever holds offsets back is never fenced',
    file: 'src/checkpoint/start-positions.ts',
    find: 'if (now - unstableSince >= unstableFenceMs) {',
    replace: 'if (now < unstableSince) {',
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is freed where a producer that is gone',
    },
  },
  {
    name: 'a resolved start position is not committed at once',
    file: 'src/checkpoint/start-positions.ts',
    find: `  if (positions.length === 0) return
`,
    replace: `  if (positions.length >= 0) return
`,
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is committed at once',
    },
  },
  {
    name: 'a partition without an offset begins at 0 instead of at the start of its log',
    file: 'src/checkpoint/start-positions.ts',
    find: '{ offset: earliest.get(key) ?? 0, metadata: null, isNew: true }',
    replace: '{ offset: 0, metadata: null, isNew: true }',
    killer: {
      project: 'unit',
      file: 'checkpoint/start-positions.test.ts',
      test: 'where a task goes on is the first offset of the log',
    },
  },
  {
    name: 'a store is restored from one record too far',
    file: 'src/checkpoint/task-store.ts',
    find: '        opened.changelogOffset = meta?.changelogOffset ?? opened.changelogOffset',
    replace: '        opened.changelogOffset = meta === null ? opened.changelogOffset : meta.changelogOffset + 1',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is opened again reads only what its changelog has beyond it',
    },
  },
  {
    name: 'rows of before a restore stay in the cache',
    file: 'src/checkpoint/task-store.ts',
    find: `    if (this.restored > before) this.store.reset()
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is opened forgets rows in memory that restoring has changed',
    },
  },
  {
    name: 'a store that does not say what it holds is trusted',
    file: 'src/checkpoint/task-store.ts',
    find: `    if (meta === null) return 'it does not say what it holds'
`,
    replace: `    if (meta === null) return null
`,
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that does not fit is put aside where it holds rows and does not say what they are',
    },
  },
  {
    name: 'the meta row is not written with the rows',
    file: 'src/checkpoint/task-store.ts',
    find: '    own.push(this.metaMutation(changelogOffset))\n',
    replace: '',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is written gets rows and meta row in one batch: all of it, or nothing',
    },
  },
  {
    name: 'the meta row says more than was applied',
    file: 'src/checkpoint/task-store.ts',
    find: 'mutations.push(this.metaMutation(position))',
    replace: 'mutations.push(this.metaMutation(position + 1))',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is opened again reads only what its changelog has beyond it',
    },
  },
  {
    name: 'deletes are not restored',
    file: 'src/checkpoint/task-store.ts',
    find: 'value: value === null ? null : encodeRow(timestamp, value, expiryIn(headers)),',
    replace: 'value: encodeRow(timestamp, value ?? Buffer.alloc(0), expiryIn(headers)),',
    killer: {
      project: 'unit',
      file: 'checkpoint/task-store.test.ts',
      test: 'a task store that is opened has all that its changelog has, with times, but for what was deleted',
    },
  },
]
