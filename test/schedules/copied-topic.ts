import { expect } from 'vitest'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { keysOf, type Scenario } from './scenario.ts'

const partitions = 3

const copy = pipeline('copy', ({ stream }) => {
  stream(topic('in', { key: text, value: text }), { until: 'end' })
    .filter((value) => !value.startsWith('not'))
    .map((value) => value.toUpperCase())
    .to(topic('out', { key: text, value: text, partitions }))
}) as Pipeline

/** A topic copied into another by a task that keeps nothing; the program that writes it also aborts now and then. */
export const copiedTopic: Scenario = {
  name: 'stateless copy of a topic',
  async begin(world) {
    await world.outside.createTopic('in', partitions)
    const fed: string[] = []
    return {
      pipeline: copy,
      store: null,
      async feed(portion) {
        const records = keysOf(portion, 30).map((key, n) => ({
          key: Buffer.from(key),
          value: Buffer.from(n % 5 === 4 ? `not ${portion}` : `value ${portion} ${n}`),
          timestamp: 1_700_000_000_000 + 100 * portion + n,
        }))
        if (portion % 4 === 1) await world.outside.write('in', records.slice(0, 7), true)
        await world.outside.write('in', records)
        fed.push(
          ...records.flatMap(({ key, value }) => (value.toString().startsWith('not') ? [] : [`${key}=${value}`])),
        )
      },
      async check() {
        const { records, isSettled } = await world.read('out')
        expect(isSettled).toBe(true)
        const wanted = fed.map((line) => line.replace(/=.*/, (value) => value.toUpperCase()))
        const byKey = (lines: readonly string[]): Map<string, string[]> => {
          const groups = new Map<string, string[]>()
          for (const line of lines) {
            const key = line.slice(0, line.indexOf('='))
            groups.set(key, [...(groups.get(key) ?? []), line])
          }
          return groups
        }
        // In order within a key, which is all that partitions promise.
        const copied = records.map(({ key, value }) => `${key}=${value}`)
        expect(new Map([...byKey(copied)].sort())).toEqual(new Map([...byKey(wanted)].sort()))
        expect(new Set(records.map(({ partition }) => partition)).size).toBe(partitions)
      },
    }
  },
}
