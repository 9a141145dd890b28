import { expect } from 'vitest'
import type { SinkConnector, SinkRecord, SinkWriter, TransactionalSinkWriter } from '../../src/connector/sink.ts'
import type { Clock } from '../../src/core/clock.ts'
import { type Pipeline, pipeline, text, topic } from '../../src/index.ts'
import { keysOf, type Scenario } from './scenario.ts'

type Rows = readonly SinkRecord<string, string>[]

/** How long the outside takes for one call, at most: virtual milliseconds. */
const outsideMs = 30

/** A system outside that outlives the processes: what it was given, and the offset that it stored with it. */
class Outside {
  readonly received: { readonly id: string; readonly line: string }[] = []
  private readonly offsets = new Map<number, number>()
  private calls = 0

  take(rows: Rows): void {
    for (const { id, key, value } of rows) this.received.push({ id, line: `${key}=${value}` })
  }

  /** One atomic step: refuses when the stored offset is another than expected. */
  takeAt(partition: number, rows: Rows, expected: number | null, next: number): boolean {
    if ((this.offsets.get(partition) ?? null) !== expected) return false
    this.take(rows)
    this.offsets.set(partition, next)
    return true
  }

  offset(partition: number): number | null {
    return this.offsets.get(partition) ?? null
  }

  /** A call takes a while; a process that is killed meanwhile never hears of it, and it happens or not. */
  async slow(clock: Clock): Promise<void> {
    await clock.sleep((this.calls++ * 7) % outsideMs)
  }
}

function buffered(outside: Outside): SinkConnector<string, string> {
  return {
    kind: 'sink-connector',
    name: 'buffered',
    guarantee: 'at-least-once',
    open: async (_, { clock }): Promise<SinkWriter<string, string>> => {
      // What is not flushed dies with the process.
      let waiting: Rows = []
      return {
        write: async (rows) => {
          waiting = [...waiting, ...rows]
          await outside.slow(clock)
        },
        flush: async () => {
          await outside.slow(clock)
          outside.take(waiting)
          waiting = []
        },
        close: async () => undefined,
      }
    },
  }
}

function transactional(outside: Outside): SinkConnector<string, string> {
  return {
    kind: 'sink-connector',
    name: 'exact',
    guarantee: 'transactional',
    open: async (partition, { clock }): Promise<TransactionalSinkWriter<string, string>> => ({
      lastCommitted: async () => outside.offset(partition),
      commit: async (rows, expected, next) => {
        await outside.slow(clock)
        return outside.takeAt(partition, rows, expected, next)
      },
      close: async () => undefined,
    }),
  }
}

/** A topic with a new key into two sinks outside Kafka: one that may get a record again, one that stores the offset with it. */
export const rekeyedSinks: Scenario = {
  name: 're-keyed topic into sinks',
  async begin(world) {
    await world.outside.createTopic('in', 2)
    const again = new Outside()
    const exact = new Outside()
    const fed: string[] = []
    return {
      pipeline: pipeline('sinks', ({ stream }) => {
        const keyed = stream(topic('in', { key: text, value: text }), { until: 'end' }).keyBy('value', (value) => value)
        keyed.to(buffered(again))
        keyed.to(transactional(exact))
      }) as Pipeline,
      store: null,
      async feed(portion) {
        const records = keysOf(portion, 20).map((key, n) => ({
          key: Buffer.from(key),
          value: Buffer.from(`${n % 3}-${key}`),
          timestamp: 1_700_000_000_000 + 100 * portion + n,
        }))
        fed.push(...records.map(({ value }) => `${value}=${value}`))
        await world.outside.write('in', records)
      },
      async check() {
        expect(exact.received.map(({ line }) => line).sort()).toEqual([...fed].sort())
        const first = new Map(again.received.map(({ id, line }) => [id, line]))
        expect([...first.values()].sort()).toEqual([...fed].sort())
        for (const { id, line } of again.received) expect(first.get(id), 'an id names one record for ever').toBe(line)
      },
    }
  },
}
