import { expect } from 'vitest'
import { reservedPrefix } from '../../src/state/row-format.ts'
import type { World } from '../support/world.ts'

/** Counts by key: what a table of counts has to hold. */
export class Tally {
  readonly counts = new Map<string, number>()

  add(key: string): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1)
  }

  /** Every row of a store, and no other. */
  checkStore(held: ReadonlyMap<string, unknown>, countOf: (row: unknown) => number = Number): void {
    const counts = [...held].map(([key, row]): [string, number] => [key, countOf(row)])
    expect(new Map(counts.sort())).toEqual(new Map([...this.counts].sort()))
  }

  /** The last value of each key in the changelog is its row. */
  async checkChangelog(world: World, topic: string, countOf: (value: Buffer) => number): Promise<void> {
    const { records, isSettled } = await world.read(topic)
    expect(isSettled, `no transaction is open in ${topic}`).toBe(true)
    const rows = records.filter(({ key }) => key[0] !== reservedPrefix)
    this.checkStore(new Map(rows.map(({ key, value }) => [key.subarray(1).toString(), value && countOf(value)])))
  }

  /** Every change is there once, in order: 1, 2, 3 for each key. */
  async checkUpdates(world: World, topic: string, countOf: (value: Buffer) => number): Promise<void> {
    const { records, isSettled } = await world.read(topic)
    expect(isSettled, `no transaction is open in ${topic}`).toBe(true)
    const seen = new Tally()
    for (const { key, value } of records) {
      seen.add(key.toString())
      expect(value && countOf(value), `change ${seen.counts.get(key.toString())} of ${key}`).toBe(
        seen.counts.get(key.toString()),
      )
    }
    this.checkStore(seen.counts)
  }

  /** The last of each commit: counts of a key only grow, and the last one is right. */
  async checkLast(world: World, topic: string, countOf: (value: Buffer) => number): Promise<void> {
    const { records, isSettled } = await world.read(topic)
    expect(isSettled, `no transaction is open in ${topic}`).toBe(true)
    const last = new Map<string, number>()
    for (const { key, value } of records) {
      const count = value ? countOf(value) : 0
      expect(count, `the counts of ${key} only grow`).toBeGreaterThan(last.get(key.toString()) ?? 0)
      last.set(key.toString(), count)
    }
    this.checkStore(last)
  }
}
