import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { type Random, seededRandom } from '../../../src/core/random.ts'
import { text } from '../../../src/serde/text.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'
import { MemoryDisk } from '../../../src/state/memory-disk.ts'
import type { RowChanges } from '../../../src/state/row-changes.ts'
import type { ScannedRow } from '../../../src/state/row-scans.ts'
import { RowStore } from '../../../src/state/row-store.ts'
import type { ScanRange } from '../../../src/state/scan-range.ts'
import type { StateBackend } from '../../../src/state/state-backend.ts'
import { testSeed } from '../../support/seed.ts'
import { temporaryDirectory } from '../../support/temp-dir.ts'

/** A key, a character a byte. */
type Key = string

const bytesOf = (key: Key): Buffer => Buffer.from(key, 'latin1')

/** A backend that counts the iterations that are not over. */
function counted(backend: StateBackend): StateBackend & { iterations: number; trips: number } {
  const counts = {
    path: backend.path,
    memoryBytes: 0,
    iterations: 0,
    trips: 0,
    getSync: (key: Uint8Array) => backend.getSync(key),
    batch: (...args: Parameters<StateBackend['batch']>) => backend.batch(...args),
    async *iterate(range: Parameters<StateBackend['iterate']>[0]) {
      counts.iterations++
      counts.trips++
      try {
        yield* backend.iterate(range)
      } finally {
        counts.iterations--
      }
    },
    close: () => backend.close(),
  }
  return counts
}

const storeOn = (backend: StateBackend, memoryBytes = 1e6): RowStore =>
  new RowStore('s', backend, text, { memory: new MemoryBudget(memoryBytes), hashSeed: 1, backendBytes: 0 })

const put = (
  store: RowStore,
  key: Key,
  value: string | undefined,
  timestamp = 1,
  expiry: number | null = null,
): void => {
  const bytes = bytesOf(key)
  store.rows.put(store.rows.row(bytes, 0, bytes.length), value, timestamp, expiry)
}

async function commit(store: RowStore, backend: StateBackend): Promise<void> {
  const changes = store.cut()
  store.known()
  await backend.batch(changes)
  store.written()
}

const shown = ({ key, value }: ScannedRow): string =>
  `${key.latin1Slice()}=${value instanceof Uint8Array ? Buffer.from(value) : value}`

async function all(rows: AsyncIterable<ScannedRow>): Promise<string[]> {
  const seen: string[] = []
  for await (const row of rows) seen.push(shown(row))
  return seen
}

const worlds: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of worlds.splice(0).reverse()) await end()
})

async function onLevel() {
  const { path, remove } = await temporaryDirectory('scans')
  worlds.push(remove)
  const backend = counted(await levelBackends().open(join(path, 'store')))
  worlds.push(() => backend.close())
  return backend
}

const inMemory = async () => counted(await new MemoryDisk(seededRandom(1)).backends(1).open('/store'))

const forms = [
  ['LevelDB', onLevel],
  ['memory', inMemory],
] as const

/** A scan that goes on, and where it has come to. */
interface Walk {
  readonly rows: AsyncIterator<ScannedRow>
  readonly range: ScanRange
  at: Key | null
}

/** What a scan is to give next: the next key behind it that the map has now. */
function expected(map: ReadonlyMap<Key, string>, { range, at }: Walk): string | null {
  const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).latin1Slice()
  const [from, to, prefix] = [text(range.from), text(range.to), text(range.prefix)]
  const keys = [...map.keys()]
    .filter((key) => (from === undefined || key >= from) && (to === undefined || key < to))
    .filter(
      (key) =>
        (prefix === undefined || key.startsWith(prefix)) && (at === null || (range.reverse ? key < at : key > at)),
    )
    .sort()
  const key = keys.at(range.reverse ? -1 : 0)
  return key === undefined ? null : `${key}=${map.get(key)}`
}

/** Random work on a store and a map, with scans in flight that are to see what the map has. */
class Work {
  private readonly random: Random
  private readonly backend: StateBackend & { iterations: number }
  private readonly store: RowStore
  private current = new Map<Key, string>()
  private frozen: { readonly changes: RowChanges; readonly rows: Map<Key, string> } | null = null
  private isKnown = false
  private stored = new Map<Key, string>()
  private walks: Walk[] = []
  private count = 0
  readonly log: string[] = []

  constructor(random: Random, backend: StateBackend & { iterations: number }) {
    this.random = random
    this.backend = backend
    this.store = storeOn(backend, random.integer(2) === 0 ? 1 : 1e6)
  }

  private key(): Key {
    const bytes = ['\0', 'a', 'b', '\xff']
    return Array.from({ length: this.random.integer(4) }, () => bytes[this.random.integer(4)]).join('')
  }

  private range(): ScanRange {
    const { random } = this
    return {
      ...(random.integer(3) === 0 ? { from: bytesOf(this.key()) } : {}),
      ...(random.integer(3) === 0 ? { to: bytesOf(this.key()) } : {}),
      ...(random.integer(3) === 0 ? { prefix: bytesOf(this.key()) } : {}),
      reverse: random.integer(2) === 0,
    }
  }

  async step(): Promise<void> {
    const { random, store } = this
    switch (random.integer(12)) {
      case 0:
      case 1:
      case 2:
        return this.change()
      case 3:
        return this.commitStep()
      case 4:
        return random.integer(6) === 0 ? this.abort() : undefined
      case 5:
        if (this.walks.length < 3) {
          const range = this.range()
          this.log.push(`scan ${JSON.stringify(range)}`)
          this.walks.push({ rows: store.rows.scan(range)[Symbol.asyncIterator](), range, at: null })
        }
        return
      case 6:
        if (this.walks.length > 0 && random.integer(3) === 0) await this.walks.splice(0, 1)[0]?.rows.return?.()
        return
      default:
        return this.walk()
    }
  }

  private change(): void {
    const key = this.key()
    const value = this.random.integer(3) === 0 ? undefined : String(this.count++)
    this.log.push(`${key}=${value}`)
    put(this.store, key, value)
    if (value === undefined) this.current.delete(key)
    else this.current.set(key, value)
  }

  /** The next step of a commit: each alone, so that scans and puts come between. */
  private async commitStep(): Promise<void> {
    const { store, frozen } = this
    if (frozen === null) {
      this.log.push('cut')
      this.frozen = { changes: store.cut(), rows: new Map(this.current) }
    } else if (!this.isKnown) {
      this.log.push('known, in the backend')
      store.known()
      this.isKnown = true
      await this.backend.batch(frozen.changes)
    } else {
      this.log.push('written')
      store.written()
      this.stored = frozen.rows
      this.frozen = null
      this.isKnown = false
    }
  }

  private async abort(): Promise<void> {
    if (this.isKnown) return
    this.log.push('abort')
    this.store.reset()
    this.current = new Map(this.stored)
    this.frozen = null
    for (const { rows, at } of this.walks.splice(0)) {
      // One that has not begun begins now.
      if (at !== null) await expect(rows.next()).rejects.toMatchObject({ code: 'ILLEGAL_STATE' })
      else await rows.return?.()
    }
  }

  private async walk(): Promise<void> {
    const walk = this.walks[this.random.integer(Math.max(1, this.walks.length))]
    if (walk === undefined) return
    const before = expected(this.current, walk)
    const asked = walk.rows.next()
    // What is changed while it is asked for is seen or not.
    const isRace = this.random.integer(4) === 0
    if (isRace) this.change()
    const next = await asked
    const found = next.done === true ? null : shown(next.value)
    const after = expected(this.current, walk)
    this.log.push(`${JSON.stringify(walk.range)} from ${walk.at}: ${found}`)
    expect([before, after]).toContain(found)
    if (next.done === true) this.walks.splice(this.walks.indexOf(walk), 1)
    else walk.at = next.value.key.latin1Slice()
  }

  async end(): Promise<void> {
    for (const { rows } of this.walks) await rows.return?.()
    expect(this.backend.iterations).toBe(0)
    expect(await all(this.store.rows.scan())).toEqual(
      [...this.current].map(([key, value]) => `${key}=${value}`).sort(byKey),
    )
    expect(await all(this.store.rows.committedRows({ reverse: true }))).toEqual(
      [...(this.isKnown ? (this.frozen?.rows ?? []) : this.stored)]
        .map(([key, value]) => `${key}=${value}`)
        .sort(byKey)
        .reverse(),
    )
    this.store.close()
  }
}

const keyOf = (row: string): string => row.slice(0, row.lastIndexOf('='))
const byKey = (a: string, b: string): number => (keyOf(a) < keyOf(b) ? -1 : 1)

describe.each(forms)('a scan over generations and %s', (form, open) => {
  it('gives what a sorted map would, through puts, deletes, cuts, writes and aborts, with others in flight', async () => {
    const runs = form === 'memory' ? 300 : 25
    for (let run = 0; run < runs; run++) {
      const seed = (testSeed + run) & 0x7fffffff
      const random = seededRandom(seed)
      const work = new Work(random, await open())
      try {
        for (let step = 0; step < 120; step++) await work.step()
        await work.end()
      } catch (error) {
        throw new Error(`seed ${seed} (MILLRACE_TEST_SEED), after\n${work.log.slice(-25).join('\n')}`, { cause: error })
      }
    }
  })

  it('merges what is open, in flight and in the backend, forwards and backwards, times and expiries among it', async () => {
    const backend = await open()
    const store = storeOn(backend)
    for (const key of ['a', 'b', 'c', 'd']) put(store, key, 'stored', 1, key === 'd' ? 9 : null)
    await commit(store, backend)
    put(store, 'b', 'in flight', 2, 20)
    put(store, 'c', undefined)
    put(store, 'e', 'in flight', 2)
    store.cut()
    put(store, 'e', 'open', 3, 30)
    put(store, 'aa', 'open', 3)
    const rows: unknown[] = []
    for await (const { key, value, timestamp, expiry } of store.rows.scan())
      rows.push([key.toString(), value, timestamp, expiry])
    const merged = [
      ['a', 'stored', 1, null],
      ['aa', 'open', 3, null],
      ['b', 'in flight', 2, 20],
      ['d', 'stored', 1, 9],
      ['e', 'open', 3, 30],
    ]
    expect(rows).toEqual(merged)
    const reversed = (await all(store.rows.scan({ reverse: true }))).reverse()
    expect(reversed).toEqual(merged.map(([key, value]) => `${key}=${value}`))
    expect(await all(store.rows.scan({ from: bytesOf('aa'), to: bytesOf('d') }))).toEqual(['aa=open', 'b=in flight'])
    expect(await all(store.rows.scan({ prefix: bytesOf('a') }))).toEqual(['a=stored', 'aa=open'])
    expect(await all(store.rows.scan({ prefix: bytesOf('a'), from: bytesOf('a\0'), reverse: true }))).toEqual([
      'aa=open',
    ])
    expect(await all(store.rows.committedRows({ prefix: bytesOf('b') }))).toEqual(['b=stored'])
  })

  it('sees the puts of who scans where they are ahead of it, and goes on over a commit', async () => {
    const backend = await open()
    const store = storeOn(backend, 1)
    for (const key of ['b', 'd', 'f']) put(store, key, 'old')
    await commit(store, backend)
    const seen: string[] = []
    for await (const row of store.rows.scan()) {
      seen.push(shown(row))
      if (shown(row) === 'b=old') {
        put(store, 'a', 'behind')
        put(store, 'c', 'ahead')
        put(store, 'd', undefined)
        await commit(store, backend)
      }
      if (shown(row) === 'c=ahead') {
        put(store, 'e', 'ahead')
        put(store, 'f', 'new')
        store.cut()
      }
    }
    expect(seen).toEqual(['b=old', 'c=ahead', 'e=ahead', 'f=new'])
  })

  it('frees its snapshot where the loop ends early', async () => {
    const backend = await open()
    const store = storeOn(backend)
    for (let n = 0; n < 100; n++) put(store, `key ${n}`, 'x')
    await commit(store, backend)
    for await (const _row of store.rows.scan()) {
      expect(backend.iterations).toBe(1)
      break
    }
    expect(backend.iterations).toBe(0)
  })

  it('is ended by an abort and by a close, by name, and frees its snapshot', async () => {
    for (const end of ['reset', 'close'] as const) {
      const backend = await open()
      const store = storeOn(backend)
      for (const key of ['a', 'b']) put(store, key, 'x')
      await commit(store, backend)
      const between = store.rows.scan()[Symbol.asyncIterator]()
      await between.next()
      const waiting = store.rows.scan()[Symbol.asyncIterator]().next()
      waiting.catch(() => undefined)
      store[end]()
      if (end === 'close') await backend.close()
      const refusal = { code: 'ILLEGAL_STATE', message: expect.stringContaining('the store s was reset or closed') }
      await expect(waiting).rejects.toMatchObject(refusal)
      await expect(between.next()).rejects.toMatchObject(refusal)
      expect(backend.iterations).toBe(0)
    }
  })

  it('makes a trip to the backend every thousand rows, whatever is in memory, so that timers fire', async () => {
    const backend = await open()
    const store = storeOn(backend)
    for (let n = 0; n < 4500; n++) put(store, String(n), n % 2 === 0 ? 'x' : undefined)
    expect(await all(store.rows.scan())).toHaveLength(2250)
    expect(backend.trips).toBe(5)
  })

  it('goes through reserved rows and the user’s apart', async () => {
    const backend = await open()
    const store = storeOn(backend)
    const reserve = (name: string) => {
      store.reserved.put(store.reserved.row(bytesOf(name), 0, name.length), Buffer.from('due'), 1)
    }
    reserve('timer 1')
    put(store, 'timer 2', 'of a user')
    await commit(store, backend)
    reserve('timer 3')
    store.cut()
    reserve('timer 0')
    expect(await all(store.reserved.scan())).toEqual(['timer 0=due', 'timer 1=due', 'timer 3=due'])
    expect(await all(store.rows.scan())).toEqual(['timer 2=of a user'])
  })
})

describe('the committed rows of a store', () => {
  it('are those of one moment, whatever is put or committed while they are read', async () => {
    const backend = await inMemory()
    const store = storeOn(backend)
    for (const key of ['a', 'c']) put(store, key, 'old')
    await commit(store, backend)
    const seen: string[] = []
    for await (const row of store.rows.committedRows()) {
      seen.push(shown(row))
      put(store, 'b', 'new')
      put(store, 'c', 'new')
      await commit(store, backend)
    }
    expect(seen).toEqual(['a=old', 'c=old'])
  })
})
