import { concatMap, delay, from, of } from 'rxjs'
import { int64, nullable, type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { keysOf, type Scenario } from './scenario.ts'
import { Tally } from './tally.ts'

const int64Of = (value: Buffer): number => Number(value.readBigInt64BE(0))

/** Every third record waits; the wait is over while a commit is under way, or not. */
const waiting = pipeline('waiting', ({ stream }) => {
  const counts = stream(topic('in', { key: text, value: text }), { until: 'end' })
    .pipe(concatMap((value) => (value.endsWith('0') ? from([value]).pipe(delay(value.length)) : of(value))))
    .count('counts')
  counts.to(topic('counts', { key: text, value: int64 }))
  counts.updates().to(topic('changes', { key: text, value: nullable(int64) }))
}) as Pipeline

/** User code that waits between a topic and a table. */
export const waitingPipe: Scenario = {
  name: 'pipe that waits in front of a count',
  async begin(world) {
    await world.outside.createTopic('in', 2)
    const tally = new Tally()
    return {
      pipeline: waiting,
      store: 'counts',
      async feed(portion) {
        const records = keysOf(portion, 16).map((key, n) => ({
          key: Buffer.from(key),
          value: Buffer.from(`${'x'.repeat(n)}${n % 3}`),
          timestamp: 1_700_000_000_000 + 100 * portion + n,
        }))
        for (const { key } of records) tally.add(key.toString())
        await world.outside.write('in', records)
      },
      async check(held) {
        tally.checkStore(held)
        await tally.checkChangelog(world, 'waiting-counts-changelog', int64Of)
        await tally.checkLast(world, 'counts', int64Of)
        await tally.checkUpdates(world, 'changes', int64Of)
      },
    }
  },
}
