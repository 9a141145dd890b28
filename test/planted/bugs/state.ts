import type { PlantedBug } from '../planted-bug.ts'

export const stateBugs: readonly PlantedBug[] = [
  {
    name: 'a row keeps its mark over a cut',
    file: 'src/state/rows.ts',
    find: `      young.unmark(row)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'state/generations.test.ts',
      test: 'rows of a commit that is not stored yet hold each row once',
    },
  },
  {
    name: 'keys that share a hash are one',
    file: 'src/state/row-table.ts',
    find: '      while (same < length && keys[from + same] === key[start + same]) same++',
    replace: '      same = length',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'a table of rows keeps keys apart' },
  },
  {
    name: 'a table that grows loses its rows',
    file: 'src/state/row-table.ts',
    find: `    for (let row = 0; row < this.values.length; row++) this.enter(row)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'state/row-table.test.ts',
      test: 'a table of rows keeps all of a row while it grows',
    },
  },
  {
    name: `a user's key meets a reserved row`,
    file: 'src/state/row-format.ts',
    find: 'export const userPrefix = 0x01',
    replace: 'export const userPrefix = 0x00',
    killer: { project: 'unit', file: 'state/generations.test.ts', test: 'the row of a user' },
  },
  {
    name: 'a table is dropped while its rows are being stored',
    file: 'src/state/row-cache.ts',
    find: 'if (old !== young && old !== unwritten && old.size > 0) return old',
    replace: 'if (old !== young && old.size > 0) return old',
    killer: {
      project: 'unit',
      file: 'state/row-store.test.ts',
      test: 'what a store of rows holds is what was committed until',
    },
  },
  {
    name: 'an abort keeps the rows of the open transaction',
    file: 'src/state/row-cache.ts',
    find: `    this.young = this.makeTable()
    this.old = this.young
    this.settle()
`,
    replace: `    this.settle()
`,
    killer: {
      project: 'unit',
      file: 'state/row-store.test.ts',
      test: 'a store of rows holds what a map would hold',
    },
  },
  {
    name: 'a row that is changed twice is cut twice',
    file: 'src/state/rows.ts',
    find: '    if (young.mark(row, timestamp)) {',
    replace: '    if (young.mark(row, timestamp) || true) {',
    killer: {
      project: 'unit',
      file: 'state/generations.test.ts',
      test: 'rows of a commit that is not stored yet hold each row once',
    },
  },
  {
    name: 'what has changed calls for no commit',
    file: 'src/core/memory-budget.ts',
    find: `    return this.changedNow > this.changedBytesMax
`,
    replace: `    return false
`,
    killer: { project: 'unit', file: 'core/memory-budget.test.ts', test: 'a memory budget calls for a commit' },
  },
  {
    name: 'what was stored goes on counting as changed',
    file: 'src/state/row-cache.ts',
    find: `    this.memory.changed(-changeForms * this.unwrittenBytes)
`,
    replace: '',
    killer: {
      project: 'unit',
      file: 'state/row-store.test.ts',
      test: 'what a store of rows holds is given back',
    },
  },
  {
    name: 'fetching has no floor',
    file: 'src/core/memory-budget.ts',
    find: 'return Math.max(this.eighth, Math.min(Math.ceil(this.limitBytes / 4), left))',
    replace: 'return Math.min(Math.ceil(this.limitBytes / 4), left)',
    killer: { project: 'unit', file: 'core/memory-budget.test.ts', test: 'a memory budget lets fetching take' },
  },
  {
    name: 'a key longer than a page has the place of the next',
    file: 'src/state/row-table.ts',
    find: '    this.keyEnd += length\n',
    replace: '    this.keyEnd = Math.min(keyPage.bytes, this.keyEnd + length) & keyPage.mask\n',
    killer: {
      project: 'unit',
      file: 'state/row-table.test.ts',
      test: 'a table of rows gives keys as the store writes them, long ones among short ones',
    },
  },
  {
    name: 'a row of a commit has another time',
    file: 'src/state/row-changes.ts',
    find: 'this.times[count] = timestamp',
    replace: 'this.times[count] = row',
    killer: {
      project: 'unit',
      file: 'state/row-changes.test.ts',
      test: 'the changes of a commit are the rows in their order',
    },
  },
  {
    name: 'what backends hold is nobody’s',
    file: 'src/core/memory-budget.ts',
    find: '    this.backendsNow += backendBytes\n',
    replace: '',
    killer: { project: 'unit', file: 'core/memory-budget.test.ts', test: 'a memory budget counts what backends hold' },
  },
]
