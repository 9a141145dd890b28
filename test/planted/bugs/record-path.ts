import type { PlantedBug } from '../planted-bug.ts'

export const recordPathBugs: readonly PlantedBug[] = [
  {
    name: 'the bytes behind the last whole word of a range are not copied',
    file: 'src/protocol/record-batch-writer.ts',
    find: '  for (; i < length; i++) target[at + i] = source[start + i] as number\n',
    replace: '',
    killer: {
      project: 'unit',
      file: 'protocol/record-batch.test.ts',
      test: 'the batch writer copies ranges of every length, wherever they begin and end up',
    },
  },
  {
    name: 'a writer that has grown copies words into its former buffer',
    file: 'src/protocol/record-batch-writer.ts',
    find: '    this.words = wordsOf(grown)\n',
    replace: '',
    killer: {
      project: 'unit',
      file: 'protocol/record-batch.test.ts',
      test: 'the batch writer copies ranges of every length, wherever they begin and end up',
    },
  },
  {
    name: 'a text that does not fit the room for values is written as far as it does',
    file: 'src/runtime/record-collector.ts',
    find: 'return text.length * bytesOfCharacterMax > target.length ? -1 : target.utf8Write(text, 0)',
    replace: 'return target.utf8Write(text, 0)',
    killer: {
      project: 'unit',
      file: 'runtime/written-text.test.ts',
      test: 'text is written whole at every length, of characters of one byte and of three',
    },
  },
]
