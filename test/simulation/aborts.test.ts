import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { StreamError } from '../../src/core/errors.ts'
import { type StepHook, type StepName, stepNames } from '../../src/core/steps.ts'
import { int64, pipeline, structured, text, topic } from '../../src/index.ts'
import { World } from '../support/world.ts'

/** What becomes of state when transactions are aborted, moved and lied about: X6, X7, X8, and proof that the checks can fail. */

const seed = Number(process.env['MILLRACE_TEST_SEED'] ?? 11)
const lines = Array.from({ length: 900 }, (_, i) => `key${i % 17} line${i}`)
const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }

async function world(): Promise<World> {
  const made = new World(seed)
  made.files.put('/in/a.txt', lines.join('\n'))
  await made.open()
  return made
}

/** Collects lines in an array that it changes in place: what X6 must survive. */
const collecting = pipeline('collecting', ({ stream }) => {
  const seen = stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }))
    .keyBy('key', (line) => line.split(' ')[0] ?? '')
    .aggregate(
      'seen',
      () => ({ lines: [] as string[] }),
      (state, line) => {
        state.lines.push(line)
        return state
      },
    )
  seen.to(topic('seen', { key: text, value: structured<{ lines: string[] }>() }))
})

const expectedLines = new Map(
  Array.from({ length: 17 }, (_, k) => [`key${k}`, { lines: lines.filter((line) => line.startsWith(`key${k} `)) }]),
)

/** Fails once, at the nth occurrence of a step, as a broker's doubtful answer would. */
function doubtAt(name: StepName, occurrence: number): StepHook {
  let count = 0
  return async (step, effect) => {
    const isHere = step === name && ++count === occurrence
    const result = await effect()
    if (isHere) throw new StreamError('TRANSACTION_UNKNOWN', 'the answer was lost, as asked', { action: 'reset-task' })
    return result
  }
}

describe('a user aggregate that changes its accumulator in place', () => {
  for (const name of stepNames.filter((step) => step.startsWith('B'))) {
    it(`holds each value once when ${name} is in doubt`, async () => {
      const made = await world()
      const { instance } = made.instance(doubtAt(name, 2))
      const held = await made.runToEnd(collecting, 'seen', config, instance)
      expect(held).toEqual(expectedLines)
      await made.close()
    })
  }
})

describe('a task', () => {
  it('goes on identically in an empty directory after every commit', async () => {
    const made = await world()
    let held: ReadonlyMap<string, unknown> | null = null
    let moves = 0
    // Every start commits a round of discovery first, so a move after each first commit would never come to an end.
    for (; held === null; moves++) {
      let publishes = 0
      let left: () => void = () => undefined
      const dead = new Promise<null>((resolve) => {
        left = () => resolve(null)
      })
      const { instance, kill } = made.instance(async (step, effect) => {
        const result = await effect()
        if (step === 'B5.publish' && ++publishes === 2 && moves < 12) {
          left()
          return new Promise(() => undefined)
        }
        return result
      })
      const directory = { ...config, dataDirectory: `/data-${moves}` }
      held = await Promise.race([dead, made.runToEnd(collecting, 'seen', directory, instance)])
      await kill()
    }
    expect(moves).toBe(13)
    expect(held).toEqual(expectedLines)
    await made.close()
  })
})

describe('a record that fails after it has had effects', () => {
  it('is left out of the replay, and everything else is there once', async () => {
    const failing = pipeline('failing', ({ stream }) => {
      stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }), { onProcessError: 'skip' })
        .flatMap(function* (line) {
          yield line
          if (line.endsWith(' line333')) throw new Error('after its first output')
        })
        .keyBy('key', (line) => line.split(' ')[0] ?? '')
        .count('counts')
    })
    const made = await world()
    const { instance } = made.instance()
    const held = await made.runToEnd(failing, 'counts', config, instance)
    const total = [...held.values()].reduce<number>((sum, count) => sum + Number(count), 0)
    expect(total).toBe(lines.length - 1)
    expect(held.get('key10')).toBe(lines.filter((line) => line.startsWith('key10 ')).length - 1) // 333 = 19 * 17 + 10
    await made.close()
  })
})

describe('the checks of these tests', () => {
  it('find a commit that left its offsets out', async () => {
    const counting = pipeline('counting', ({ stream }) => {
      const counts = stream(textFiles('lines', { files: '/in/*.txt', partitions: 1 }))
        .keyBy('key', (line) => line.split(' ')[0] ?? '')
        .count('counts')
      counts.to(topic('counts', { key: text, value: int64 }))
    })
    const made = await world()
    let commits = 0
    let left: () => void = () => undefined
    const dead = new Promise<void>((resolve) => {
      left = resolve
    })
    const { instance, kill } = made.instance(async (step, effect) => {
      // The planted bug: transactions commit, but not where their inputs are.
      if (step === 'B2.txnOffsetCommit') return undefined as never
      const result = await effect()
      if (step === 'B5.publish' && ++commits === 4) {
        left()
        return new Promise(() => undefined)
      }
      return result
    })
    const first = made.runToEnd(counting, 'counts', config, instance)
    await Promise.race([dead, first])
    await kill()
    const held = await made.runToEnd(counting, 'counts', config, made.instance().instance)
    const total = [...held.values()].reduce<number>((sum, count) => sum + Number(count), 0)
    expect(total).not.toBe(lines.length)
    await made.close()
  })
})
