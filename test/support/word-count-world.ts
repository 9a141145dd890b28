import { filter, mergeMap } from 'rxjs'
import { expect } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { int64, pipeline, text, topic } from '../../src/index.ts'
import { reservedPrefix } from '../../src/state/row-format.ts'
import { wordCounts } from './job-runner.ts'
import { World } from './world.ts'

/** A number in letters, since a word is made of nothing else. */
const letters = (n: number): string => [...String(n)].map((digit) => String.fromCharCode(97 + Number(digit))).join('')

/**
 * Many small files: each is a few reads, so that the work is spread over many transactions. Two words of a line come
 * nowhere else, so that a row that is lost stays lost; one comes again long after; one is in every line.
 */
const texts = Array.from({ length: 30 }, (_, file) =>
  Array.from({ length: 40 }, (_, line) =>
    [
      'always',
      `once${letters(file)}x${letters(line)}`,
      `again${letters((file * 40 + line) % 150)}`,
      `only${letters(file)}y${letters(line)}`,
    ].join(' '),
  ).join('\n'),
)
const expected = wordCounts(texts)

/** Word count, as the simulations run it. */
export const wordCount = pipeline('word-count', ({ stream }) => {
  const counts = stream(textFiles('texts', { files: '/in/*.txt', partitions: 2 }))
    .pipe(
      mergeMap((line) => line.toLowerCase().match(/\p{L}+/gu) ?? []),
      filter((word) => word.length > 1),
    )
    .keyBy('word', (word) => word)
    .count('word-counts')
  counts.to(topic('word-counts', { key: text, value: int64 }))
  return { counts }
})

/** Commits often, so that a short run has many. */
export const wordCountConfig = { dataDirectory: '/data', commitIntervalMs: 10, commitShareMax: 1 }

/** A world with a broker and files of text. */
export async function wordCountWorld(seed: number, transactionVersion?: 1 | 2): Promise<World> {
  const made = new World(seed, transactionVersion)
  for (const [index, content] of texts.entries()) made.files.put(`/in/${index}.txt`, content)
  await made.run(made.startBroker())
  return made
}

/**
 * The invariants: every store, the output topic and the changelog hold each word's count; in the output every count of a
 * word is greater than the one before; and no transaction is left open.
 */
export async function checkWordCount(made: World, stores: Iterable<readonly [string, unknown]>): Promise<void> {
  const output = await made.run(made.read('word-counts'))
  expect(output.isSettled).toBe(true)
  const last = new Map<string, number>()
  for (const { key, value } of output.records) {
    const word = key.toString()
    const count = Number(value?.readBigInt64BE(0))
    expect(count, `the counts of ${word} only grow`).toBeGreaterThan(last.get(word) ?? 0)
    last.set(word, count)
  }
  expect(last).toEqual(expected)
  const changelog = await made.run(made.read('word-count-word-counts-changelog'))
  const folded = new Map<string, number>()
  for (const { key, value } of changelog.records) {
    if (key[0] !== reservedPrefix) folded.set(key.subarray(1).toString(), Number(value?.readBigInt64BE(0)))
  }
  expect(folded).toEqual(expected)
  expect(new Map([...stores].sort())).toEqual(new Map([...expected].sort()))
}
