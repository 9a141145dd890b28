import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChangelogReader } from '../../../src/checkpoint/changelog-reader.ts'
import { BareApp } from '../../support/bare-app.ts'

const at = { topic: 'app-counts-changelog', partition: 0 }

describe('a changelog reader', () => {
  let world: BareApp
  let reader: ChangelogReader

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(at.topic, 2)
    reader = new ChangelogReader(world.app)
  })
  afterEach(() => world.close())

  /** Reads to the end. @returns what was read as `key=value@timestamp`, and the position behind it */
  async function readToEnd(from = 0) {
    const rows: string[] = []
    const positions: number[] = []
    const end = await reader.readToEnd(at, from, async (records, position) => {
      for (const { key, value, timestamp } of records) rows.push(`${key}=${value}@${timestamp}`)
      positions.push(position)
    })
    return { rows, positions, end }
  }

  it('applies what was committed, in order, deletes and times among it', async () => {
    await world.write(at.topic, [
      ['a', '1', 10],
      ['b', '2', 20],
    ])
    await world.write(at.topic, [['a', null, 30]])
    const { rows, positions, end } = await readToEnd()
    expect(rows).toEqual(['a=1@10', 'b=2@20', 'a=null@30'])
    // Three records and two markers.
    expect([end, positions.at(-1)]).toEqual([5, 5])
  })

  it('goes on from where it is told, inside a batch', async () => {
    await world.write(at.topic, [
      ['a', '1', 1],
      ['b', '2', 1],
      ['c', '3', 1],
    ])
    expect((await readToEnd(2)).rows).toEqual(['c=3@1'])
  })

  it('is at the end at once where nothing is new', async () => {
    expect(await readToEnd()).toEqual({ rows: [], positions: [], end: 0 })
    await world.write(at.topic, [['a', '1']])
    expect(await readToEnd(2)).toEqual({ rows: [], positions: [], end: 2 })
  })

  it('leaves out what was aborted, and passes it', async () => {
    const end = await world.begin(at.topic, [['a', 'lost']])
    await end(false)
    await world.write(at.topic, [['a', 'kept']])
    const read = await readToEnd()
    expect(read.rows).toEqual(['a=kept@1000'])
    expect(read.end).toBe(4)
  })

  it('passes over records without a key', async () => {
    await world.write(at.topic, [
      [null, 'x'],
      ['a', '1'],
    ])
    expect((await readToEnd()).rows).toEqual(['a=1@1000'])
  })

  it('reads its own partition', async () => {
    await world.write(at.topic, [['other', '1']], 1)
    await world.write(at.topic, [['own', '1']])
    expect((await readToEnd()).rows).toEqual(['own=1@1000'])
  })

  it('reads in slices of a quarter of a megabyte, of which few are in memory however many are read at once', async () => {
    const value = Buffer.alloc(100_000, 'v')
    for (let i = 0; i < 3; i++) {
      await world.write(
        at.topic,
        Array.from({ length: 10 }, (_, n) => [`${i} ${n}`, value]),
      )
    }
    let held = 0
    let mostHeld = 0
    let largest = 0
    const read = async (): Promise<number> => {
      let count = 0
      await reader.readToEnd(at, 0, async (records) => {
        count += records.length
        largest = Math.max(largest, records.length)
        held += records.length
        mostHeld = Math.max(mostHeld, held)
        await world.app.ports.clock.yield()
        held -= records.length
      })
      return count
    }
    expect(await Promise.all(Array.from({ length: 12 }, read))).toEqual(Array.from({ length: 12 }, () => 30))
    // Four slices of two records each.
    expect([largest, mostHeld <= 8]).toEqual([2, true])
  })

  it('waits for a transaction that has reached the log', async () => {
    const end = await world.begin(at.topic, [['a', '1']])
    const reading = readToEnd()
    await end(true)
    expect((await reading).rows).toEqual(['a=1@1000'])
  })

  it('fences the producer of one that stays open, if that is no member any more', async () => {
    await world.begin(at.topic, [['a', 'never committed']], 0, 'app-dead-0')
    const { rows, end } = await readToEnd()
    expect(rows).toEqual([])
    expect(end).toBe(2)
    expect(world.steps).toContain('A2.fenceDeadProducer')
    expect(world.app.fence.hasFenced('app-dead-0')).toBe(true)
  })

  it('waits out a member that is alive', async () => {
    const end = await world.begin(at.topic, [['a', '1']])
    const asked = world.begun('A2.fenceDeadProducer')
    const reading = readToEnd()
    await asked
    await end(true)
    expect((await reading).rows).toEqual(['a=1@1000'])
  })

  it('refuses an offset that the log does not have yet', async () => {
    await world.write(at.topic, [['a', '1']])
    await expect(readToEnd(99)).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      context: { ...at, offset: 99 },
    })
  })

  it('refuses an offset that the log has no longer, and knows the first that it has', async () => {
    await world.write(at.topic, [['a', '1']])
    await world.write(at.topic, [['b', '2']])
    await world.app.admin.deleteRecords([{ ...at, offset: 2 }])
    expect(await reader.startOffset(at)).toBe(2)
    await expect(readToEnd(0)).rejects.toMatchObject({ code: 'OFFSET_OUT_OF_RANGE' })
    expect((await readToEnd(2)).rows).toEqual(['b=2@1000'])
  })

  it('hands on what applying failed with, and begins there again when it is asked to', async () => {
    await world.write(at.topic, [['a', '1']])
    const refused = reader.readToEnd(at, 0, () => Promise.reject(new Error('the disk said no')))
    await expect(refused).rejects.toThrow('the disk said no')
    expect((await readToEnd()).rows).toEqual(['a=1@1000'])
  })

  it('reads some and comes back at once where nothing is new', async () => {
    await world.write(at.topic, [['a', '1']])
    const rows: string[] = []
    const apply = async (records: readonly { key: Buffer }[]) => {
      for (const { key } of records) rows.push(key.toString())
    }
    const position = await reader.readSome(at, 0, apply)
    expect(await reader.readSome(at, position, apply)).toBe(position)
    expect(rows).toEqual(['a'])
  })
})
