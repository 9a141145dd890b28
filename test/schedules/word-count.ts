import { mergeMap } from 'rxjs'
import { textFiles } from '../../connectors/files/index.ts'
import { int64, nullable, type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { keysOf, type Scenario } from './scenario.ts'
import { Tally } from './tally.ts'

const wordsPerLine = 3
const int64Of = (value: Buffer): number => Number(value.readBigInt64BE(0))

const words = pipeline('words', ({ stream }) => {
  const counts = stream(textFiles('texts', { files: '/in/*.txt', partitions: 2 }))
    .pipe(mergeMap((line) => line.split(' ')))
    .keyBy('word', (word) => word)
    .count('counts')
  counts.to(topic('counts', { key: text, value: int64 }))
  counts.updates().to(topic('changes', { key: text, value: nullable(int64) }))
}) as Pipeline

/** Files of lines through a source connector, a new key, a count. Each portion is a file, or grows one that is there. */
export const wordCount: Scenario = {
  name: 'word count of files',
  async begin(world) {
    const tally = new Tally()
    return {
      pipeline: words,
      store: 'counts',
      async feed(portion) {
        const all = keysOf(portion, 24)
        for (const word of all) tally.add(word)
        const lines = all.flatMap((_, n) => (n % wordsPerLine === 0 ? [all.slice(n, n + wordsPerLine).join(' ')] : []))
        world.files.append(`/in/${portion % 5}.txt`, `${lines.join('\n')}\n`)
      },
      async check(held) {
        tally.checkStore(held)
        await tally.checkChangelog(world, 'words-counts-changelog', int64Of)
        await tally.checkLast(world, 'counts', int64Of)
        await tally.checkUpdates(world, 'changes', int64Of)
      },
    }
  },
}
