import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { seededRandom } from '../../src/core/random.ts'

/** What a corpus holds. */
export interface Corpus {
  readonly seed: number
  readonly bytes: number
  /** Words longer than one character: what word count must find. */
  readonly words: number
  readonly glob: string
}

const vocabularySize = 40_000

/** Writes texts of made-up words, few of them often and most of them seldom. */
export async function writeCorpus(folder: string, megabytes: number, seed: number): Promise<Corpus> {
  await mkdir(folder, { recursive: true })
  const random = seededRandom(seed)
  const vocabulary = Array.from({ length: vocabularySize }, (_, index) => {
    let word = ''
    for (let rest = index + 30; rest > 0; rest = Math.floor(rest / 26)) word += String.fromCharCode(97 + (rest % 26))
    return `${word}s`
  })
  let bytes = 0
  let words = 0
  for (let file = 0; file < 5; file++) {
    const parts: string[] = []
    for (let size = 0; size < (megabytes * 1e6) / 5; ) {
      const line = Array.from(
        { length: random.integer(13) },
        () => vocabulary[Math.floor(vocabularySize * random.next() ** 3)],
      )
      words += line.length
      const text = `${line.join(' ')}\n`
      size += text.length
      parts.push(text)
    }
    const body = parts.join('')
    bytes += body.length
    await writeFile(join(folder, `part-${file}.txt`), body)
  }
  return { seed, bytes, words, glob: join(folder, '*.txt') }
}
