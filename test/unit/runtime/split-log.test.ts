import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChangelogReader } from '../../../src/checkpoint/changelog-reader.ts'
import { SplitLog } from '../../../src/runtime/split-log.ts'
import { BareApp } from '../../support/bare-app.ts'
import { runs } from '../../support/seed.ts'

const topic = 'app-texts-positions'
const partitions = 3

describe('a split log', () => {
  let world: BareApp

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(topic, partitions)
  })
  afterEach(() => world.close())

  const make = (partition: number): SplitLog => new SplitLog(world.app, { topic, partition }, partitions)

  async function restored(partition: number): Promise<SplitLog> {
    const log = make(partition)
    await log.restore()
    return log
  }

  /** Commits what the log has to say. */
  const commit = (log: SplitLog, partition: number): Promise<void> =>
    world.write(
      topic,
      log.cut().map(({ key, value }) => [key, value]),
      partition,
    )

  /** Which of these each of the tasks would read. */
  async function dealt(ids: readonly string[]): Promise<string[][]> {
    const logs = await Promise.all([0, 1, 2].map((partition) => restored(partition)))
    return logs.map((log) => ids.filter((id) => log.isMine(id)))
  }

  it('deals splits round robin in order of id, whatever order they were found in', async () => {
    const dealer = await restored(0)
    dealer.deal(['d', 'b', 'e', 'a', 'c'])
    await commit(dealer, 0)
    expect(await dealt(['a', 'b', 'c', 'd', 'e'])).toEqual([['a', 'd'], ['b', 'e'], ['c']])
  })

  it('goes on dealing where it was, and never moves a choice', async () => {
    const first = await restored(0)
    first.deal(['m', 'n'])
    await commit(first, 0)
    const second = await restored(0)
    second.deal(['a', 'z', 'm'])
    second.deal(['b'])
    await commit(second, 0)
    expect(await dealt(['a', 'b', 'm', 'n', 'z'])).toEqual([['m', 'z'], ['b', 'n'], ['a']])
  })

  it('keeps a choice although its split is not found for a while', async () => {
    const first = await restored(0)
    first.deal(['a', 'b'])
    await commit(first, 0)
    const second = await restored(0)
    second.deal(['b'])
    second.deal(['a', 'b'])
    await commit(second, 0)
    expect(await dealt(['a', 'b'])).toEqual([['a'], ['b'], []])
  })

  it('gives every split to one task, in order of id, whatever was found when', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string()), { maxLength: 5 }), (rounds) => {
        const dealer = make(0)
        const expected = new Map<string, number>()
        for (const ids of rounds) {
          dealer.deal(ids)
          for (const id of [...new Set(ids)].sort()) {
            if (!expected.has(id)) expected.set(id, expected.size % partitions)
          }
        }
        for (const [id, partition] of expected) expect(dealer.isMine(id)).toBe(partition === 0)
      }),
      runs(100),
    )
  })

  it('begins one round each time it is opened, however often splits are looked for', async () => {
    expect((await restored(0)).roundToken).toBeNull()
    for (const round of [1, 2]) {
      const dealer = await restored(0)
      dealer.deal(['a'])
      dealer.deal(['a', `new ${round}`])
      expect(dealer.roundToken).toBe(`round ${round}`)
      await commit(dealer, 0)
    }
    expect((await restored(2)).roundToken).toBe('round 2')
  })

  it('begins a round also where there is nothing to deal', async () => {
    const dealer = await restored(0)
    dealer.deal([])
    await commit(dealer, 0)
    expect((await restored(1)).roundToken).toBe('round 1')
  })

  it('of another task learns what was dealt when it follows, and only what was committed', async () => {
    const [dealer, other] = [await restored(0), await restored(1)]
    expect([dealer.isDealer, other.isDealer]).toEqual([true, false])
    expect(await other.follow()).toBe(false)
    dealer.deal(['a', 'b'])
    const abort = await world.begin(
      topic,
      dealer.cut().map(({ key, value }) => [key, value]),
    )
    await abort(false)
    await other.follow()
    expect([other.isMine('b'), other.roundToken]).toEqual([false, null])

    const again = await restored(0)
    again.deal(['a', 'b'])
    await commit(again, 0)
    expect(await other.follow()).toBe(true)
    expect([other.isMine('b'), other.isMine('a'), other.roundToken]).toEqual([true, false, 'round 1'])
    expect(await other.follow()).toBe(false)
  })

  it('resumes where each split was, the last word of each counting', async () => {
    const log = await restored(1)
    expect(log.position('new')).toEqual({ position: null, bytes: 0 })
    log.move('a', { position: { line: 1 }, bytes: 10 })
    log.move('b', { position: 'x', bytes: 5 })
    log.move('a', { position: { line: 2 }, bytes: 20 })
    expect(log.cut()).toHaveLength(2)
    log.move('a', { position: { line: 3 }, bytes: 30 })
    await commit(log, 1)
    const next = await restored(1)
    expect(next.position('a')).toEqual({ position: { line: 3 }, bytes: 30 })
  })

  it('hands on each change once', async () => {
    const log = await restored(0)
    log.deal(['a'])
    expect(log.cut()).toHaveLength(2)
    expect(log.cut()).toEqual([])
    log.deal(['a'])
    expect(log.cut()).toEqual([])
  })

  it('reads positions from its own partition alone', async () => {
    const dealer = await restored(0)
    dealer.move('a', { position: 1, bytes: 1 })
    await commit(dealer, 0)
    expect((await restored(0)).position('a').position).toBe(1)
    expect((await restored(1)).position('a').position).toBeNull()
  })

  it('takes any text for an id', async () => {
    const ids = ['', 'choice a', 'round', 'ä/ö/漢字 😀.txt', '\u0000']
    const dealer = await restored(0)
    dealer.deal(ids)
    for (const id of ids) dealer.move(id, { position: id, bytes: 1 })
    await commit(dealer, 0)
    const again = await restored(0)
    expect(ids.map((id) => again.position(id).position)).toEqual(ids)
    expect((await dealt(ids)).flat().sort()).toEqual([...ids].sort())
    expect(again.roundToken).toBe('round 1')
  })

  it('says where its own partition ends when it is restored', async () => {
    const dealer = await restored(0)
    dealer.deal(['a'])
    await commit(dealer, 0)
    expect(await make(2).restore()).toBe(0)
    const log = await restored(2)
    log.move('a', { position: 1, bytes: 1 })
    await commit(log, 2)
    const reader = new ChangelogReader(world.app)
    const end = await reader.readToEnd({ topic, partition: 2 }, 0, async () => undefined)
    expect(await make(2).restore()).toBe(end)
  })
})
