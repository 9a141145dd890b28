import { text } from 'millrace'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Json, ReadResult, SourceConnector, Split } from '../../../src/connector/source.ts'
import { StreamError } from '../../../src/core/errors.ts'
import { SplitLog } from '../../../src/runtime/split-log.ts'
import { SplitPump } from '../../../src/runtime/split-pump.ts'
import { BareApp } from '../../support/bare-app.ts'
import { bareThread } from '../../support/bare-thread.ts'
import { gate, quiet } from '../../support/scripted-transport.ts'

const topic = 'app-texts-positions'

/** A source of lists of lines, two lines a read unless it is told otherwise; the position is the number of the next line. */
class Lists {
  readonly lists = new Map<string, string[]>()
  readonly opened: string[] = []
  readonly closed: string[] = []
  readonly acknowledged: string[] = []
  perRead = 2
  looks = 0
  reads = 0
  failure: Error | null = null
  /** What an acknowledgement waits for. */
  acknowledging: Promise<void> = Promise.resolve()
  /** Whether the end of a list is its end. */
  isBounded = true

  constructor(lists: Readonly<Record<string, string[]>>) {
    for (const [id, lines] of Object.entries(lists)) this.lists.set(id, lines)
  }

  readonly connector: SourceConnector<string, string> = {
    kind: 'source-connector',
    name: 'texts',
    key: text,
    value: text,
    replay: 'exact',
    discoverEveryMs: 1000,
    splits: async () => {
      this.looks++
      if (this.failure) throw this.failure
      return [...this.lists.keys()].reverse().map((id): Split => ({ id, sizeBytes: 100 }))
    },
    open: async ({ id }, from) => {
      this.opened.push(`${id}@${from}`)
      let at = (from as number | null) ?? 0
      return {
        read: async (_max, signal): Promise<ReadResult<Json>> => {
          this.reads++
          const lines = this.lists.get(id) ?? []
          const found = lines.slice(at, at + this.perRead)
          at += found.length
          if (found.length === 0 && !this.isBounded) await aborted(signal)
          const records = found.map((line) => ({ key: null, value: Buffer.from(line) }))
          const done = this.isBounded && at >= lines.length
          return { records, next: at, done, bytesRead: 10 * found.length, skipped: found.length }
        },
        committed: async (position) => {
          this.acknowledged.push(`${id}@${position}`)
          await this.acknowledging
        },
        close: async () => void this.closed.push(id),
      }
    },
  }
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))

describe('a split pump', () => {
  let world: BareApp
  const running: SplitPump[] = []

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(topic, 2)
  })
  afterEach(async () => {
    for (const pump of running.splice(0)) await pump.close()
    await world.close()
  })

  async function open(source: Lists, partition = 0, follow = false) {
    let wakeUp: (() => void) | null = null
    const { thread, stop } = bareThread({ app: world.app, follow, wake: () => wakeUp?.() })
    const log = new SplitLog(world.app, { topic, partition }, 2)
    await log.restore()
    const pump = new SplitPump(thread, source.connector as unknown as SourceConnector, log, `0_${partition}`)
    running.push(pump)
    /** Resolves with what `look` gives, once it gives something: asked at every wake-up. */
    const soon = <T>(look: () => T | null | false): Promise<T> =>
      new Promise((resolve, reject) => {
        const ask = (): void => {
          try {
            const found = look()
            if (found === null || found === false) return
            wakeUp = null
            resolve(found)
          } catch (error) {
            wakeUp = null
            reject(error)
          }
        }
        wakeUp = ask
        ask()
      })
    const take = async (): Promise<string[]> => {
      const { records } = await soon(() => pump.take())
      return records.map(({ value }) => Buffer.from(value ?? []).toString())
    }
    /** Takes all there is until every split is done. */
    const drain = async (): Promise<string[]> => {
      const lines: string[] = []
      await soon(() => {
        for (let taken = pump.take(); taken; taken = pump.take()) {
          for (const { value } of taken.records) lines.push(Buffer.from(value ?? []).toString())
        }
        return pump.isDone
      })
      return lines
    }
    const commit = async (): Promise<void> => {
      pump.cut()
      await world.write(
        topic,
        log.cut().map(({ key, value }) => [key, value]),
        partition,
      )
      pump.committed()
    }
    return { pump, log, thread, stop, soon, take, drain, commit }
  }

  it('reads each split to its end, one after the other in order of id', async () => {
    const source = new Lists({ b: ['b1'], a: ['a1', 'a2', 'a3'], c: [] })
    // Two tasks: a and c are this one's, b is not.
    const { pump, drain } = await open(source)
    expect(pump.isDone).toBe(false)
    pump.start()
    expect(await drain()).toEqual(['a1', 'a2', 'a3'])
    expect(source.opened).toEqual(['a@null', 'c@null'])
    expect(source.looks).toBe(1)
  })

  it('hands over what was read once, and moves the split with it', async () => {
    const { pump, log, take, thread } = await open(new Lists({ a: ['1', '2', '3'] }))
    expect(pump.take()).toBeNull()
    pump.start()
    expect(await take()).toEqual(['1', '2'])
    expect(log.position('a')).toEqual({ position: 2, bytes: 20 })
    expect(await take()).toEqual(['3'])
    expect(log.position('a')).toEqual({ position: 3, bytes: 30 })
    expect(thread.metrics).toMatchObject({ sourceBytesRead: 30, sourceBytesTotal: 100, skipped: 3 })
  })

  it('reads no further ahead than one read', async () => {
    const source = new Lists({ a: ['1', '2', '3', '4', '5', '6', '7', '8'] })
    const { pump, take } = await open(source)
    pump.start()
    for (const ahead of [2, 3]) {
      await take()
      for (let turn = 0; turn < 20; turn++) await world.app.ports.clock.yield()
      expect(source.reads).toBe(ahead)
    }
  })

  it('resumes where the last commit left it', async () => {
    const source = new Lists({ a: ['1', '2', '3', '4', '5'] })
    const first = await open(source)
    first.pump.start()
    await first.take()
    await first.commit()
    await first.take()
    await first.pump.close()
    const second = await open(source)
    second.pump.start()
    expect(await second.drain()).toEqual(['3', '4', '5'])
    expect(source.opened).toEqual(['a@null', 'a@2'])
  })

  it('acknowledges what is durable, and nothing before the first word of a split', async () => {
    const source = new Lists({ a: ['1', '2', '3'], c: [] })
    const { pump, take, commit } = await open(source)
    pump.start()
    pump.committed()
    await take()
    await commit()
    expect(source.acknowledged).toEqual(['a@2'])
  })

  it('acknowledges nothing that was taken behind the cut', async () => {
    const source = new Lists({ a: ['1', '2', '3', '4', '5'] })
    const { pump, take } = await open(source)
    pump.start()
    await take()
    pump.cut()
    await take()
    pump.committed()
    await quiet()
    expect(source.acknowledged).toEqual(['a@2'])
  })

  it('acknowledges one call at a time, and in one what became durable meanwhile', async () => {
    const source = new Lists({ a: ['1', '2', '3', '4', '5', '6', '7'] })
    const held = gate()
    source.acknowledging = held.opened
    const { pump, take, commit } = await open(source)
    pump.start()
    for (let commits = 0; commits < 3; commits++) {
      await take()
      await commit()
    }
    expect(source.acknowledged).toEqual(['a@2'])
    held.open()
    await quiet()
    expect(source.acknowledged).toEqual(['a@2', 'a@6'])
  })

  it('of another task reads nothing until splits are dealt', async () => {
    const source = new Lists({ a: ['a1'], b: ['b1'] })
    const other = await open(source, 1)
    other.pump.start()
    const dealer = await open(source)
    dealer.pump.start()
    expect(await dealer.drain()).toEqual(['a1'])
    expect(other.pump.isDone).toBe(false)
    await dealer.commit()
    expect(await other.drain()).toEqual(['b1'])
    expect(other.log.roundToken).toBe('round 1')
  })

  it('is done with no splits at all', async () => {
    const { pump, drain, log } = await open(new Lists({}))
    pump.start()
    expect(await drain()).toEqual([])
    expect(log.roundToken).toBe('round 1')
  })

  it('finds new splits while it follows, and is never done', async () => {
    const source = new Lists({ a: ['a1'] })
    source.isBounded = false
    const { pump, take } = await open(source, 0, true)
    pump.start()
    expect(await take()).toEqual(['a1'])
    for (const id of ['b', 'c']) source.lists.set(id, [`${id}1`])
    expect(await take()).toEqual(['c1'])
    expect(source.opened).toEqual(['a@null', 'c@null'])
    expect(pump.isDone).toBe(false)
  })

  it('says that more waits until bounded splits are at their end', async () => {
    const { pump, drain } = await open(new Lists({ a: ['1', '2', '3'] }))
    expect(pump.waiting).toBe(Number.POSITIVE_INFINITY)
    pump.start()
    await drain()
    expect(pump.waiting).toBe(0)
  })

  it('says while it follows what was read and not taken, and expects more behind a large read alone', async () => {
    const source = new Lists({ a: ['1', '2', '3'] })
    source.isBounded = false
    const { pump, soon, take } = await open(source, 0, true)
    pump.start()
    await soon(() => pump.waiting > 0)
    expect(pump.waiting).toBe(2)
    await take()
    await take()
    expect(pump.waiting).toBe(0)
    source.perRead = 300
    source.lists.set(
      'a2',
      Array.from({ length: 300 }, (_, n) => String(n)),
    )
    source.lists.set(
      'a3',
      Array.from({ length: 300 }, (_, n) => String(n)),
    )
    await soon(() => pump.waiting >= 600)
    await take()
    expect(pump.waiting).toBeGreaterThanOrEqual(300)
  })

  it('tells what the connector failed with, by name', async () => {
    const source = new Lists({})
    source.failure = new Error('no such share')
    const { pump, soon } = await open(source)
    pump.start()
    await expect(soon(() => pump.take())).rejects.toMatchObject({
      code: 'SOURCE_FAILED',
      message: 'the source texts failed: no such share',
    })
  })

  it('hands on an error of the engine as it is', async () => {
    const source = new Lists({})
    source.failure = new StreamError('FILE_NOT_FOUND', 'there are no files')
    const { pump, soon } = await open(source)
    pump.start()
    await expect(soon(() => pump.take())).rejects.toBe(source.failure)
  })

  it('closes its readers and forgets what nobody took', async () => {
    const source = new Lists({ a: ['1', '2', '3'] })
    const { pump, soon, log, thread } = await open(source)
    pump.start()
    await soon(() => source.opened.length > 0)
    await pump.close()
    expect(source.closed).toEqual(['a'])
    expect([pump.take(), log.position('a').position]).toEqual([null, null])
    expect(thread.metrics).toMatchObject({ sourceBytesRead: 0, sourceBytesTotal: 0 })
  })

  it('leaves the totals of progress standing when the job stops', async () => {
    const { pump, take, thread, stop } = await open(new Lists({ a: ['1', '2', '3'] }))
    pump.start()
    await take()
    stop.abort()
    await pump.close()
    expect(thread.metrics).toMatchObject({ sourceBytesRead: 20, sourceBytesTotal: 100 })
  })
})
