import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { StreamError } from '../../src/core/errors.ts'
import { type StepHook, stepNames } from '../../src/core/steps.ts'
import { int64, pipeline, structured, text, topic } from '../../src/index.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/** What becomes of state when transactions are aborted, moved and lied about: X6, X7, X8, and proof that the checks can fail. */

const seed = simulationSeed(11)
const lines = Array.from({ length: 900 }, (_, i) => `key${i % 17} line${i}`)
const config = { dataDirectory: '/data', commitIntervalMs: 20, commitShareMax: 1, instanceId: 'one' }

async function world(): Promise<World> {
  const made = new World(seed)
  made.files.put('/in/a.txt', lines.join('\n'))
  await made.run(made.startBroker())
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

/** What a step fails with when its answer is lost: the outcome is unknown then. */
const doubt = new StreamError('TRANSACTION_UNKNOWN', 'the answer was lost, as asked', { action: 'reset-task' })

describe('a user aggregate that changes its accumulator in place', () => {
  for (const at of stepNames.filter((step) => step.startsWith('B'))) {
    it(`holds each value once when ${at} is in doubt`, async () => {
      const made = await world()
      const instance = made.instance([{ at, occurrence: 2, when: 'after', do: doubt }])
      const held = await made.run(made.runToEnd(collecting, 'seen', config, instance))
      expect(held).toEqual(expectedLines)
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
      const instance = made.instance(moves < 12 ? [{ at: 'B5.publish', occurrence: 2, when: 'after', do: 'kill' }] : [])
      const directory = { ...config, dataDirectory: `/data-${moves}` }
      held = await made.run(Promise.race([instance.killed, made.runToEnd(collecting, 'seen', directory, instance)]))
    }
    expect(moves).toBe(13)
    expect(held).toEqual(expectedLines)
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
    const held = await made.run(made.runToEnd(failing, 'counts', config))
    const total = [...held.values()].reduce<number>((sum, count) => sum + Number(count), 0)
    expect(total).toBe(lines.length - 1)
    expect(held.get('key10')).toBe(lines.filter((line) => line.startsWith('key10 ')).length - 1) // 333 = 19 * 17 + 10
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
    // The planted bug: transactions commit, but not where their inputs are.
    const forgetful: StepHook = (step, effect) =>
      step === 'B2.txnOffsetCommit' ? Promise.resolve(undefined as never) : effect()
    const first = made.instance([{ at: 'B5.publish', occurrence: 4, when: 'after', do: 'kill' }], forgetful)
    await made.run(Promise.race([first.killed, made.runToEnd(counting, 'counts', config, first)]))
    const held = await made.run(made.runToEnd(counting, 'counts', config))
    const total = [...held.values()].reduce<number>((sum, count) => sum + Number(count), 0)
    expect(total).not.toBe(lines.length)
  })
})
