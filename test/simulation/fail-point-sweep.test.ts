import { filter, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { type StepHook, type StepName, stepNames } from '../../src/core/steps.ts'
import { int64, pipeline, text, topic } from '../../src/index.ts'
import { reservedPrefix } from '../../src/state/row-format.ts'
import { wordCounts } from '../support/job-runner.ts'
import { World } from '../support/world.ts'

/**
 * The fail-point sweep: word count is killed before and after the effect of every named step of opening and commit, once
 * at its first and once at a later occurrence, started again on what is left, and must end with the same counts, with an
 * output topic in which every count of a word is greater than the one before, and with nothing left open.
 */

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? 7)
const words = Array.from({ length: 60 }, (_, i) => `word${String.fromCharCode(97 + (i % 26))}${'x'.repeat(i % 7)}`)
const texts = [0, 1, 2].map((file) =>
  Array.from({ length: 400 }, (_, line) =>
    Array.from({ length: 6 }, (_, n) => words[(line * 7 + n * 13 + file * 5) % words.length]).join(' '),
  ).join('\n'),
)
const expected = wordCounts(texts)

const wordCount = pipeline('word-count', ({ stream }) => {
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

async function world(): Promise<World> {
  const made = new World(seed)
  for (const [index, content] of texts.entries()) made.files.put(`/in/${index}.txt`, content)
  await made.open()
  return made
}

const config = { dataDirectory: '/data', commitIntervalMs: 40, commitShareMax: 1 }

/** Dies at the nth occurrence of a step, before or after its effect. */
function dieAt(name: StepName, occurrence: number, when: 'before' | 'after', die: () => void): StepHook {
  let count = 0
  return async (step, effect) => {
    if (step !== name || ++count !== occurrence) return effect()
    if (when === 'after') await effect()
    die()
    return new Promise(() => undefined)
  }
}

async function checkWorld(made: World, store: ReadonlyMap<string, unknown>): Promise<void> {
  expect(new Map([...store].sort())).toEqual(new Map([...expected].sort()))
  const output = await made.read('word-counts')
  expect(output.isSettled).toBe(true)
  const last = new Map<string, number>()
  for (const { key, value } of output.records) {
    const word = key.toString()
    const count = Number(value?.readBigInt64BE(0))
    expect(count, `the counts of ${word} only grow`).toBeGreaterThan(last.get(word) ?? 0)
    last.set(word, count)
  }
  expect(last).toEqual(expected)
  const changelog = await made.read('word-count-word-counts-changelog')
  const folded = new Map<string, number>()
  for (const { key, value } of changelog.records) {
    if (key[0] !== reservedPrefix) folded.set(key.subarray(1).toString(), Number(value?.readBigInt64BE(0)))
  }
  expect(folded).toEqual(expected)
}

async function undisturbed(): Promise<ReadonlyMap<StepName, number>> {
  const made = await world()
  const seen = new Map<StepName, number>()
  const { instance } = made.instance((name, effect) => {
    seen.set(name, (seen.get(name) ?? 0) + 1)
    return effect()
  })
  await checkWorld(made, await made.runToEnd(wordCount, 'word-counts', config, instance))
  await made.close()
  return seen
}

describe('word count', () => {
  it('names every step that it takes, and takes every step that an undisturbed run has', async () => {
    const seen = await undisturbed()
    const onlyInTrouble: StepName[] = [
      'A2.fenceDeadProducer',
      'A4.quarantine',
      'A3.fetchChangelog',
      'A3.applyChangelog',
    ]
    expect([...seen.keys()].filter((name) => !stepNames.includes(name))).toEqual([])
    expect(stepNames.filter((name) => !seen.has(name) && !onlyInTrouble.includes(name))).toEqual([])
  })

  const sweep = stepNames.filter((name) => name !== 'A2.fenceDeadProducer' && name !== 'A4.quarantine')
  for (const name of sweep) {
    for (const when of ['before', 'after'] as const) {
      for (const occurrence of [1, 3]) {
        it(`counts once when it is killed ${when} ${name}, occurrence ${occurrence}`, async () => {
          const made = await world()
          let died: () => void = () => undefined
          const dead = new Promise<void>((resolve) => {
            died = resolve
          })
          const first = made.instance(dieAt(name, occurrence, when, () => died()))
          const run = made.runToEnd(wordCount, 'word-counts', config, first.instance)
          // A step that does not occur so often lets the run end by itself.
          await Promise.race([dead, run])
          await first.kill()
          const second = made.instance()
          await checkWorld(made, await made.runToEnd(wordCount, 'word-counts', config, second.instance))
          await made.close()
        })
      }
    }
  }

  it('goes on elsewhere when its process is gone for good, and frees what that left open', async () => {
    const made = await world()
    let died: () => void = () => undefined
    const dead = new Promise<void>((resolve) => {
      died = resolve
    })
    const first = made.instance(dieAt('B3.endTxn', 2, 'before', () => died()))
    const lost = made.runToEnd(wordCount, 'word-counts', config, first.instance)
    await Promise.race([dead, lost])
    await first.kill()
    const second = made.instance()
    const elsewhere = { ...config, dataDirectory: '/elsewhere' }
    await checkWorld(made, await made.runToEnd(wordCount, 'word-counts', elsewhere, second.instance))
    await made.close()
  })
})
