import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ConnectorContext, Json, SourceConnector, Split, SplitReader } from '../../src/connector/index.ts'
import { SteppedClock } from '../support/stepped-clock.ts'

/** A source with something in it: some splits, some hundred records in all. */
export interface SourceWorld<K, V, P extends Json> {
  readonly source: SourceConnector<K, V, P>
  /** All ports but the clock, which the suite brings, and the two that a job decides. */
  readonly ports: Omit<ConnectorContext, 'clock' | 'signal' | 'follow'>
  /** Resources that readers hold open now, where that can be told. */
  readonly open?: () => number
  end(): Promise<void>
}

const never = new AbortController().signal

/** What the engine relies on in every source whose positions lead back to the same records (`replay: 'exact'`). */
export function sourceContract<K, V, P extends Json>(name: string, begin: () => Promise<SourceWorld<K, V, P>>): void {
  describe(`source: ${name}`, () => {
    let world: SourceWorld<K, V, P>
    let clock: SteppedClock
    const context = (follow: boolean): ConnectorContext => ({ ...world.ports, clock, signal: never, follow })

    beforeEach(async () => {
      world = await begin()
      clock = new SteppedClock()
    })
    afterEach(() => world.end())

    /** Reads a bounded split to its end. Every position goes through JSON, as on its way through Kafka. */
    async function drain(split: Split, from: P | null, recordsMax: number): Promise<Drained<P>> {
      const reader = await world.source.open(split, from, context(false))
      const drained: Drained<P> = { records: [], positions: [], bytesRead: 0 }
      try {
        for (;;) {
          const { records, next, done, bytesRead } = await reader.read(recordsMax, never)
          expect(records.length).toBeLessThanOrEqual(recordsMax)
          drained.records.push(...records.map(asText))
          drained.positions.push({ records: drained.records.length, position: JSON.parse(JSON.stringify(next)) })
          drained.bytesRead += bytesRead ?? 0
          if (done) return drained
        }
      } finally {
        await reader.close()
      }
    }

    it('finds the same splits again, each once, in a form that can be stored', async () => {
      const ids = async () => (await world.source.splits(context(false))).map(({ id }) => id)
      const first = await ids()
      expect(first.length).toBeGreaterThan(0)
      expect(new Set(first).size).toBe(first.length)
      expect((await ids()).sort()).toEqual(first.sort())
      for (const id of first) expect(typeof id).toBe('string')
    })

    it('gives the same records again, however many are asked for at a time', async () => {
      for (const split of await world.source.splits(context(false))) {
        const { records } = await drain(split, null, 1_000_000)
        for (const recordsMax of [1, 2, 7, 100]) expect((await drain(split, null, recordsMax)).records).toEqual(records)
      }
    })

    it('goes on from every position with exactly the rest', async () => {
      for (const split of await world.source.splits(context(false))) {
        const { records, positions } = await drain(split, null, 1)
        for (const { records: taken, position } of positions) {
          expect((await drain(split, position, 50)).records).toEqual(records.slice(taken))
        }
      }
    })

    it('is done at the end and stays so, and not before', async () => {
      for (const split of await world.source.splits(context(false))) {
        const { records, positions } = await drain(split, null, 3)
        const reader = await world.source.open(split, null, context(false))
        let count = 0
        for (let isDone = false; !isDone; ) {
          const read = await reader.read(3, never)
          count += read.records.length
          isDone = read.done === true
          expect(isDone && count < records.length).toBe(false)
        }
        expect(count).toBe(records.length)
        const after = await reader.read(3, never)
        expect(after).toMatchObject({ records: [], done: true, next: positions.at(-1)?.position })
        await reader.close()
      }
    })

    it('counts bytes so that they add up to what a split holds', async () => {
      for (const split of await world.source.splits(context(false))) {
        if (split.sizeBytes === undefined) continue
        expect((await drain(split, null, 5)).bytesRead).toBe(split.sizeBytes)
      }
    })

    it('does not touch records that it has handed out', async () => {
      for (const split of await world.source.splits(context(false))) {
        const reader = await world.source.open(split, null, context(false))
        const held: { value: Uint8Array | null; text: string }[] = []
        for (let isDone = false; !isDone; ) {
          const read = await reader.read(4, never)
          held.push(...read.records.map((record) => ({ value: record.value, text: asText(record) })))
          isDone = read.done === true
        }
        await reader.close()
        for (const { value, text } of held) expect(asText({ key: null, value })).toBe(text)
      }
    })

    it('waits for more when it follows, until it is aborted', async () => {
      const [split] = (await world.source.splits(context(true))) as [Split]
      const reader = await world.source.open(split, null, context(true))
      const stop = new AbortController()
      for (;;) {
        const read = reader.read(1000, stop.signal)
        const waits = await Promise.race([read.then(() => false), clock.slept().then(() => true)])
        expect((await Promise.race([read, undefined]))?.done ?? false).toBe(false)
        if (!waits) continue
        stop.abort(new Error('the job stops'))
        await settled(read)
        break
      }
      await settled(reader.read(1000, stop.signal))
      await reader.close()
    })

    it('closes twice, before the first read, in the middle and during a read', async () => {
      const [split] = (await world.source.splits(context(false))) as [Split]
      const open = (): Promise<SplitReader<P>> => world.source.open(split, null, context(false))
      const untouched = await open()
      await untouched.close()
      await untouched.close()
      const begun = await open()
      await begun.read(1, never)
      await begun.close()
      await begun.close()
      const reading = await open()
      const read = reading.read(1, never)
      await reading.close()
      await settled(read)
      await reading.close()
      expect(world.open?.() ?? 0).toBe(0)
    })
  })
}

interface Drained<P> {
  readonly records: string[]
  readonly positions: { records: number; position: P }[]
  bytesRead: number
}

function asText({ key, value }: { key: Uint8Array | null; value: Uint8Array | null }): string {
  return `${key && Buffer.from(key).toString('latin1')} ${value && Buffer.from(value).toString('latin1')}`
}

/** Either way: what matters is that it does not wait for ever. */
async function settled(promise: Promise<unknown>): Promise<void> {
  await promise.then(
    () => {},
    () => {},
  )
}
