import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clockKey, encodeClock } from '../../../src/checkpoint/clock-row.ts'
import { encodePositions, type PositionsRow, positionsKey } from '../../../src/checkpoint/positions-row.ts'
import { decodeMeta, metaKey, type StoreMeta } from '../../../src/checkpoint/store-meta.ts'
import { deleteRetentionMs, TaskStore, type TaskStoreOptions } from '../../../src/checkpoint/task-store.ts'
import { StreamError } from '../../../src/core/errors.ts'
import { text } from '../../../src/serde/text.ts'
import { binaryKeyOf, decodeRow, encodeRow, rowFormat, userKey } from '../../../src/state/row-format.ts'
import { BareApp, type Row } from '../../support/bare-app.ts'

const changelog = { topic: 'app-words-changelog', partition: 0 }
const path = '/state/1_0/words'
const aside = `${path}.quarantine`
const hour = 3_600_000
const positions: PositionsRow = {
  v: 1,
  commitId: 3,
  plan: 1,
  stores: ['words'],
  positions: { 'in-0': 12 },
  partitionTimes: {},
  topicIds: {},
}

const set = (key: string, value: string | null): Row => [userKey(Buffer.from(key)), value]
const change = (key: string, value: string | null) => [key, value] as const

/** Changes rows, and writes them as a commit does. */
async function write(
  opened: TaskStore,
  changes: readonly ReturnType<typeof change>[],
  positions: PositionsRow,
  changelogOffset: number,
): Promise<void> {
  const { rows } = opened.store
  for (const [key, value] of changes) {
    rows.put(rows.row(Buffer.from(key), 0, Buffer.byteLength(key)), value ?? undefined, 1)
  }
  await opened.write(opened.store.cut(), positions, changelogOffset)
}

describe('a task store', () => {
  let world: BareApp
  let options: TaskStoreOptions

  beforeEach(async () => {
    world = await BareApp.open()
    await world.createTopic(changelog.topic)
    const spec = { name: 'words', kind: 'key-value' as const, key: text, value: text }
    options = { app: world.app, taskId: '1_0', spec, changelog, path, beginsAt: 0 }
  })
  afterEach(() => world.close())

  /** Opens it, looks, closes it. */
  async function look(changes: Partial<TaskStoreOptions> = {}) {
    const opened = await TaskStore.open({ ...options, ...changes })
    const rows = new Map<string, unknown>()
    for await (const { key, value } of opened.store.rows.committedRows()) rows.set(key.toString(), value)
    const { restored } = opened
    const row = opened.positions()
    await opened.close()
    return { rows: Object.fromEntries(rows), restored, positions: row }
  }

  /** What a backend holds, reserved rows by name. */
  async function raw(at = path): Promise<Map<string, string>> {
    const backend = await world.app.backends.open(at)
    const rows = new Map<string, string>()
    for await (const [key, value] of backend.iterate()) {
      const row = decodeRow(value, at)
      rows.set(`${key[0]} ${binaryKeyOf(key)}`, `${row.timestamp} ${Buffer.from(row.value)}`)
    }
    await backend.close()
    return rows
  }

  async function metaOf(at = path): Promise<StoreMeta | null> {
    const backend = await world.app.backends.open(at)
    const stored = backend.getSync(metaKey)
    await backend.close()
    return stored ? decodeMeta(decodeRow(stored, at).value) : null
  }

  describe('that is opened', () => {
    it('has all that its changelog has, with times, but for what was deleted', async () => {
      await world.write(changelog.topic, [
        [userKey(Buffer.from('a')), 'one', 77],
        set('b', 'two'),
        [positionsKey, encodePositions(positions)],
      ])
      await world.write(changelog.topic, [set('b', null)])
      expect(await look()).toEqual({ rows: { a: 'one' }, restored: 4, positions })
      expect((await raw()).get('1 a')).toBe('77 one')
    })

    it('has all of its rows again from its changelog, when they expire among it (X23)', async () => {
      const rows = ({ store }: TaskStore) =>
        ['a', 'b', 'c'].map((key) => {
          const row = store.rows.row(Buffer.from(key), 0, 1)
          return [store.rows.valueAt(row), store.rows.timestampAt(row), store.rows.expiryAt(row)]
        })
      const opened = await TaskStore.open(options)
      const put = (key: string, ...value: [unknown, number, number?]) =>
        opened.store.rows.put(opened.store.rows.row(Buffer.from(key), 0, 1), ...value)
      put('a', 'one', 5, 1_800_000_000_000)
      put('b', 'two', 6)
      put('c', undefined, 7, 9)
      const before = rows(opened).slice(0, 2)
      const producer = await world.producer()
      const output = producer.output(changelog.topic, changelog.partition)
      opened.log(output, opened.store.cut(), positions)
      await producer.flush()
      await producer.commit()
      await opened.close()
      await world.app.backends.destroy(path)
      const restored = await TaskStore.open(options)
      expect([restored.restored, restored.positions()]).toEqual([4, positions])
      expect(rows(restored)).toEqual([...before, [undefined, Number.NEGATIVE_INFINITY, null]])
      expect(before).toEqual([
        ['one', 5, 1_800_000_000_000],
        ['two', 6, null],
      ])
      await restored.close()
    })

    it('refuses a changelog with an expiry that is none, by the name of what is wrong with it', async () => {
      const producer = await world.producer()
      const output = producer.output(changelog.topic, changelog.partition)
      output.append(userKey(Buffer.from('a')), Buffer.from('1'), 5, [['expiry', Buffer.from('soon')]])
      await producer.flush()
      await producer.commit()
      await expect(TaskStore.open(options)).rejects.toMatchObject({
        code: 'BATCH_CORRUPT',
        message: expect.stringContaining('expiry of 4 bytes'),
      })
    })

    it('is empty where its changelog is, and nothing is put aside for that', async () => {
      expect(await look()).toEqual({ rows: {}, restored: 0, positions: null })
      expect([world.disk.paths, world.lines]).toEqual([[path], []])
    })

    it('again reads only what its changelog has beyond it', async () => {
      await world.write(changelog.topic, [set('a', '1'), set('b', '1')])
      expect((await look()).restored).toBe(2)
      expect((await look()).restored).toBe(0)
      await world.write(changelog.topic, [set('a', '2')])
      expect(await look()).toMatchObject({ rows: { a: '2', b: '1' }, restored: 1 })
    })

    it('forgets rows in memory that restoring has changed', async () => {
      await world.write(changelog.topic, [set('a', '1')])
      const opened = await TaskStore.open(options)
      expect(opened.store.rows.valueAt(opened.store.rows.row(Buffer.from('a'), 0, 1))).toBe('1')
      await world.write(changelog.topic, [set('a', '2')])
      expect(await opened.restore()).toBe(1)
      expect(opened.store.rows.valueAt(opened.store.rows.row(Buffer.from('a'), 0, 1))).toBe('2')
      expect(await opened.restore()).toBe(0)
      await opened.close()
    })

    it('is its store’s and its partition’s, whatever the task is called that opens it', async () => {
      await world.write(changelog.topic, [set('a', '1')])
      await look()
      expect(await look({ taskId: 'renamed_0' })).toMatchObject({ rows: { a: '1' }, restored: 0 })
    })

    it('says of itself what it is and how far it is', async () => {
      await world.write(changelog.topic, [set('a', '1')])
      await look()
      expect(await metaOf()).toEqual({
        format: rowFormat,
        app: 'app',
        store: 'words',
        partition: changelog.partition,
        clusterId: world.app.metadata.clusterId,
        topicId: world.app.metadata.topic(changelog.topic)?.topicId,
        beganAt: 0,
        changelogOffset: 2,
        writtenMs: expect.any(Number),
      })
    })
  })

  describe('that is written', () => {
    it('gets rows and meta row in one batch: all of it, or nothing', async () => {
      const opened = await TaskStore.open(options)
      await write(opened, [change('a', '1'), change('b', '1')], positions, 5)
      const full = new StreamError('DISK_FULL', 'no room')
      world.disk.failNext({ call: 'batch', path, error: full })
      await expect(write(opened, [change('a', '2'), change('b', null)], positions, 9)).rejects.toBe(full)
      await opened.close()
      expect((await metaOf())?.changelogOffset).toBe(5)
      const rows = await raw()
      expect([rows.get('1 a'), rows.get('1 b')]).toEqual(['1 1', '1 1'])
    })

    it('is never ahead of its meta row after a power failure', async () => {
      const opened = await TaskStore.open(options)
      for (let n = 1; n <= 20; n++) await write(opened, [change('n', String(n))], positions, n)
      world.disk.crash()
      const value = (await raw()).get('1 n') ?? '1 0'
      expect(value).toBe(`1 ${(await metaOf())?.changelogOffset ?? 0}`)
    })

    it('goes on behind what was written when it is restored', async () => {
      await world.write(changelog.topic, [set('a', '1')])
      const opened = await TaskStore.open(options)
      await world.write(changelog.topic, [set('b', '1')])
      await write(opened, [change('b', '1')], positions, 4)
      expect(await opened.restore()).toBe(0)
      await opened.close()
      expect(await look()).toMatchObject({ rows: { a: '1', b: '1' }, restored: 0 })
    })
  })

  describe('that does not fit', () => {
    /** Its store holds a row that its changelog never had: gone once it is restored in full. */
    beforeEach(async () => {
      await world.write(changelog.topic, [set('a', '1')])
      const opened = await TaskStore.open(options)
      await write(opened, [change('stray', 'x')], positions, 2)
      await opened.close()
    })

    async function expectPutAside(reason: string, changes: Partial<TaskStoreOptions> = {}) {
      expect(await look(changes)).toMatchObject({ rows: { a: '1' }, restored: 1 })
      expect(world.lines.at(-1)).toContain(reason)
      expect(world.disk.paths).toEqual([path, aside])
      expect((await raw(aside)).has('1 stray')).toBe(true)
      expect(world.steps).toContain('A4.quarantine')
    }

    it('is put aside where it is another application’s', () =>
      expectPutAside('its app is app, here it is other', { app: { ...options.app, appId: 'other' } }))

    it('is put aside where it is another store’s', () =>
      expectPutAside('its store is words, here it is other', { spec: { ...options.spec, name: 'other' } }))

    it('is put aside where it comes from another cluster', async () => {
      world.app.metadata.clusterId = 'elsewhere'
      await expectPutAside('here it is elsewhere')
    })

    it('is put aside where its changelog was deleted and created anew', async () => {
      const backend = await world.app.backends.open(path)
      const meta = decodeMeta(decodeRow(backend.getSync(metaKey) as Uint8Array, path).value) as StoreMeta
      const of = Buffer.from(JSON.stringify({ ...meta, topicId: 'before' }))
      await backend.batch([{ key: metaKey, value: encodeRow(0, of) }])
      await backend.close()
      await expectPutAside('its topicId is before')
    })

    it('is put aside once deletes in its changelog may have expired, an hour before they do', async () => {
      world.moveDate(deleteRetentionMs - hour - 60_000)
      expect((await look()).rows).toHaveProperty('stray')
      world.moveDate(120_000)
      await expectPutAside('deletes in its changelog may have expired')
    })

    it('is put aside where it is ahead of its changelog', async () => {
      const opened = await TaskStore.open(options)
      await write(opened, [], positions, 50)
      await opened.close()
      await expectPutAside('does not hold offset 50')
    })

    it('is put aside where it holds rows and does not say what they are', async () => {
      const backend = await world.app.backends.open(path)
      await backend.batch([{ key: metaKey, value: null }])
      await backend.close()
      await expectPutAside('it does not say what it holds')
    })

    it.each([
      [
        'of an older format',
        Buffer.concat([Buffer.alloc(8), Buffer.from('{"changelogOffset":2}')]),
        'begins with byte 0',
      ],
      ['of a newer format', Buffer.concat([Buffer.of(rowFormat + 1), Buffer.alloc(40)]), 'begins with byte 3'],
      ['that is too short', Buffer.of(rowFormat, 1, 2), 'one of 3 bytes'],
      ['that is empty', Buffer.alloc(0), 'one of 0 bytes'],
    ])('is put aside where its meta row or its positions row is one %s', async (_name, row, reason) => {
      for (const key of [metaKey, positionsKey]) {
        const backend = await world.app.backends.open(path)
        await backend.batch([
          { key: userKey(Buffer.from('stray')), value: encodeRow(1, Buffer.from('x')) },
          { key, value: row },
        ])
        await backend.close()
        expect(await look()).toMatchObject({ rows: { a: '1' }, restored: 1 })
        expect(world.lines.at(-1)).toContain(reason)
        expect(world.disk.paths).toEqual([path, aside])
      }
    })

    it('is put aside where its rows are of another format', async () => {
      const backend = await world.app.backends.open(path)
      const meta = decodeMeta(decodeRow(backend.getSync(metaKey) as Uint8Array, path).value) as StoreMeta
      const of = Buffer.from(JSON.stringify({ ...meta, format: 1 }))
      await backend.batch([{ key: metaKey, value: encodeRow(0, of) }])
      await backend.close()
      await expectPutAside(`its format is 1, this version writes ${rowFormat}`)
    })

    it('is put aside where its positions row cannot be read', async () => {
      const backend = await world.app.backends.open(path)
      await backend.batch([{ key: positionsKey, value: encodeRow(0, Buffer.from('{')) }])
      await backend.close()
      await expectPutAside('the positions row of the store words cannot be read')
    })

    it('is put aside where it cannot be opened for damage', async () => {
      const error = new StreamError('STORE_CORRUPT', 'a block has a wrong checksum', { path })
      world.disk.failNext({ call: 'open', path, error })
      await expectPutAside('a block has a wrong checksum')
    })

    it('is put aside where it was found damaged while it was open, once', async () => {
      world.app.damagedStores.add(path)
      await expectPutAside('it was found damaged')
      expect(world.app.damagedStores.size).toBe(0)
      expect((await look()).restored).toBe(0)
    })

    it('takes the place of the one that was put aside before', async () => {
      world.app.damagedStores.add(path)
      await look()
      const opened = await TaskStore.open(options)
      await write(opened, [change('second', 'y')], positions, 2)
      await opened.close()
      world.app.damagedStores.add(path)
      await look()
      expect([...(await raw(aside)).keys()]).toContain('1 second')
      expect([...(await raw(aside)).keys()]).not.toContain('1 stray')
    })
  })

  describe('that cannot be opened', () => {
    it.each(['DATA_DIRECTORY_LOCKED', 'DISK_FULL'] as const)('for %s is left where it is', async (code) => {
      const opened = await TaskStore.open(options)
      await write(opened, [change('a', '1')], positions, 0)
      await opened.close()
      world.disk.failNext({ call: 'open', path, error: new StreamError(code, 'as asked') })
      await expect(TaskStore.open(options)).rejects.toMatchObject({ code })
      expect(world.disk.paths).toEqual([path])
    })

    it('lets go of its backend where restoring fails, so that it can be opened again', async () => {
      await world.write(changelog.topic, [set('a', '1')])
      world.disk.failNext({ call: 'batch', path, error: new StreamError('DISK_FULL', 'no room') })
      await expect(TaskStore.open(options)).rejects.toMatchObject({ code: 'DISK_FULL' })
      expect(await look()).toMatchObject({ rows: { a: '1' } })
    })
  })

  it('lets go of a fresh store whose restoring fails, so that the next attempt can open it', async () => {
    await world.write(changelog.topic, [set('a', '1')])
    world.app.damagedStores.add(path)
    world.disk.failNext({ call: 'batch', path, error: new StreamError('DISK_FULL', 'no room') })
    await expect(TaskStore.open(options)).rejects.toMatchObject({ code: 'DISK_FULL' })
    expect((await look()).rows).toEqual({ a: '1' })
  })

  it('fits although the metadata of its changelog was forgotten', async () => {
    await world.write(changelog.topic, [set('a', '1')])
    await look()
    world.app.metadata.forget(changelog.topic)
    expect((await look()).restored).toBe(0)
    expect(world.disk.paths).toEqual([path])
  })

  it('is put aside when its changelog no longer has what follows it', async () => {
    await world.write(changelog.topic, [set('gone', 'x')])
    await look()
    await world.write(changelog.topic, [set('gone', null)])
    await world.write(changelog.topic, [set('b', 'y')])
    await world.app.admin.deleteRecords([{ ...changelog, offset: 4 }])
    expect((await look()).rows).toEqual({ b: 'y' })
    expect(world.disk.paths).toContain(aside)
  })

  it('keeps the clock row that a commit brings, in its directory and in its changelog', async () => {
    const clock = { streamTime: 5, wallTime: 9 }
    const opened = await TaskStore.open(options)
    expect(opened.clock()).toBeNull()
    await opened.write(opened.store.cut(), positions, 0, clock)
    await opened.write(opened.store.cut(), { ...positions, commitId: 4 }, 0)
    expect(opened.clock()).toEqual(clock)
    await opened.close()
    await world.write(changelog.topic, [[clockKey, encodeClock({ ...clock, wallTime: 10 })]])
    const restored = await TaskStore.open({ ...options, path: '/state/elsewhere' })
    expect(restored.clock()).toEqual({ streamTime: 5, wallTime: 10 })
    await restored.close()
  })
})
