import type { PlantedBug } from '../planted-bug.ts'

export const protocolBugs: readonly PlantedBug[] = [
  {
    name: 'transactions are taken in the order of their completion',
    file: 'src/protocol/aborted-transactions.ts',
    find: 'this.ahead = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset)',
    replace: 'this.ahead = [...aborted]',
    killer: {
      project: 'unit',
      file: 'protocol/aborted-transactions.test.ts',
      test: 'the filter of aborted transactions does not leak overlapping transactions that are listed in the order of their completion',
    },
  },
  {
    name: 'a commit marker ends no aborted transaction, an abort marker neither',
    file: 'src/protocol/aborted-transactions.ts',
    find: `      if (marker === markerType.abort) this.open.delete(header.producerId)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'protocol/aborted-transactions.test.ts',
      test: 'the filter of aborted transactions does not leak overlapping transactions that are listed in the order of their completion',
    },
  },
  {
    name: 'only one transaction is entered at a time',
    file: 'src/protocol/aborted-transactions.ts',
    find: `      this.open.add(next.producerId)
    }`,
    replace: `      this.open.add(next.producerId)
      this.nextIndex++
      break
    }`,
    killer: {
      project: 'unit',
      file: 'protocol/aborted-transactions.test.ts',
      test: 'the filter of aborted transactions does not leak the first record of any transaction that was open where the fetch begins',
    },
  },
  {
    name: 'batches that are not transactional are passed over, too',
    file: 'src/protocol/aborted-transactions.ts',
    find: 'return (header.attributes & batchAttribute.transactional) !== 0 && this.open.has(header.producerId)',
    replace: 'return this.open.has(header.producerId)',
    killer: {
      project: 'unit',
      file: 'protocol/aborted-transactions.test.ts',
      test: 'the filter of aborted transactions does not touch other producers, plain batches, or idempotent ones outside a transaction',
    },
  },
]
