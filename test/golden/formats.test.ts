import { cp, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { decodeOffsetMetadata } from '../../src/checkpoint/offset-metadata.ts'
import { decodePositions, positionsKey } from '../../src/checkpoint/positions-row.ts'
import { decodeMeta, metaKey, misfit } from '../../src/checkpoint/store-meta.ts'
import { TaskStore } from '../../src/checkpoint/task-store.ts'
import { MemoryBudget } from '../../src/core/memory-budget.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { int64 } from '../../src/serde/number.ts'
import type { AnySerde } from '../../src/serde/serde.ts'
import { levelBackends } from '../../src/state/level-backend.ts'
import { decodeRow } from '../../src/state/row-format.ts'
import { RowStore } from '../../src/state/row-store.ts'
import type { StateBackend } from '../../src/state/state-backend.ts'
import { BareApp } from '../support/bare-app.ts'
import { withBrokerOf } from '../support/embedded-broker.ts'
import { runToEnd } from '../support/job-runner.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/temp-dir.ts'
import {
  appId,
  counted,
  golden,
  reservedRows,
  rowsIdentity,
  rowsPositions,
  rowsStore,
  rowsValue,
  userRows,
} from './formats/fixture.ts'

// Every version opens what every version before it wrote: a folder each, of which this is the first (formats/README.md).
const formats = (await readdir(join(import.meta.dirname, 'formats'), { withFileTypes: true }))
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

const storeOn = (backend: StateBackend, value: AnySerde): RowStore =>
  new RowStore(rowsStore, backend, value, { memory: new MemoryBudget(1e7), hashSeed: 1, backendBytes: 0 })

const bytesOf = (text: string): Buffer => Buffer.from(text)

describe.each(formats)('formats %s, as they were written', (name) => {
  const from = join(import.meta.dirname, 'formats', name)
  let scratch: TemporaryDirectory

  beforeEach(async () => {
    scratch = await temporaryDirectory('golden')
  })
  afterEach(() => scratch.remove())

  /** A copy: opening LevelDB writes. */
  async function copyOf(folder: string): Promise<string> {
    const path = join(scratch.path, folder)
    await cp(join(from, folder), path, { recursive: true })
    return path
  }

  /** What a store has: key, value, time, expiry. */
  async function rowsIn(store: RowStore): Promise<unknown[]> {
    const rows: unknown[] = []
    for await (const { key, value, timestamp, expiry } of store.rows.scan()) {
      rows.push([key.toString(), value, timestamp, expiry])
    }
    return rows
  }

  const reservedIn = (store: RowStore): unknown[] =>
    reservedRows.map(([name]) => {
      const value = store.reserved.valueAt(store.reserved.row(bytesOf(name), 0, name.length)) as Uint8Array | undefined
      return [name, value && Buffer.from(value).toString()]
    })

  it('have a store whose rows are read with times and expiries, reserved ones, positions and meta among them', async () => {
    const path = await copyOf('rows')
    const backend = await levelBackends().open(path)
    const store = storeOn(backend, rowsValue)
    expect(await rowsIn(store)).toEqual(userRows)
    expect(reservedIn(store)).toEqual(reservedRows)
    const reserved = (key: Buffer) => decodeRow(backend.getSync(key) as Uint8Array, path).value
    expect(decodePositions(reserved(positionsKey))).toEqual(rowsPositions)
    const meta = decodeMeta(reserved(metaKey))
    expect(meta).toMatchObject({ ...rowsIdentity, changelogOffset: 10, writtenMs: 1_700_000_000_000 })
    expect(meta && misfit(meta, rowsIdentity, 0)).toBeNull()
    await backend.close()
  })

  it('have a changelog that is restored to the same rows', async () => {
    const world = await BareApp.open()
    const changelog = { topic: 'golden-rows-changelog', partition: 0 }
    await world.createTopic(changelog.topic)
    const { client, metadata } = world.app
    const node = await metadata.leader('admin', changelog.topic, 0)
    const records = await readFile(join(from, 'changelog.batch'))
    const answer = await client.send('admin', node, produce, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topics: [{ name: changelog.topic, partitions: [{ index: 0, records }] }],
    })
    expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0)
    const spec = { name: rowsStore, kind: 'key-value' as const, key: rowsValue, value: rowsValue }
    const opened = await TaskStore.open({
      app: world.app,
      taskId: 'golden_0',
      spec,
      changelog,
      path: '/rows',
      beginsAt: 0,
    })
    expect(await rowsIn(opened.store)).toEqual(userRows)
    expect(reservedIn(opened.store)).toEqual(reservedRows)
    expect(opened.positions()).toEqual(rowsPositions)
    await opened.close()
    await world.close()
  })

  it('have offsets whose metadata names their commit', async () => {
    const found = await withBrokerOf(await copyOf('data'), async (brokers) => {
      const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      const offsets = await admin.fetchOffsets({ groupId: appId, topics: ['lines'] })
      await admin.disconnect()
      return offsets[0]?.partitions[0]
    })
    expect(found?.offset).toBe('3')
    expect(decodeOffsetMetadata(found?.metadata ?? '')).toMatchObject({
      commitId: expect.any(Number),
      plan: 1,
      topicId: expect.stringMatching(/^.{16,}$/),
      txnId: expect.stringContaining(`${appId}-`),
      partitionTime: 1_700_000_000_100,
    })
  })

  it('have a control topic that says which plan ran, and where its stores began', async () => {
    const dataDirectory = await copyOf('data')
    const rows = new Map<string, unknown>()
    await withBrokerOf(dataDirectory, async (brokers) => {
      const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
      const consumer = kafka.consumer({ groupId: 'reader', readUncommitted: false, maxWaitTimeInMs: 50 })
      await consumer.connect()
      await consumer.subscribe({ topic: `${appId}-control`, fromBeginning: true })
      await new Promise<void>((resolve, reject) => {
        const eachMessage = async ({ message }: { message: KafkaMessage }): Promise<void> => {
          rows.set(String(message.key), JSON.parse(String(message.value)))
          if (rows.size === 3) resolve()
        }
        consumer.run({ eachMessage }).catch(reject)
      })
      await consumer.disconnect()
    })
    const began = { v: 1, commitId: expect.any(Number), plan: 1, changelogOffset: 0 }
    expect(Object.fromEntries(rows)).toMatchObject({
      plan: {
        v: 1,
        version: 1,
        manifest: { format: 1, appId },
        topicIds: { lines: expect.any(String), [`${appId}-counts-changelog`]: expect.any(String) },
        stores: { counts: 1, seen: 1 },
        fresh: {},
        earlier: [],
        firstStartMs: expect.any(Number),
      },
      'begin counts 0': began,
      'begin seen 0': began,
    })
  })

  it('have the data of a job that goes on with them: broker, stores, plan, and nothing is counted twice', async () => {
    const dataDirectory = await copyOf('data')
    // As they are: a job restores stores that are older than the deletes in its changelogs may be (X10).
    const backend = await levelBackends().open(join(dataDirectory, appId, 'stores', 'counts', '0'))
    expect(await rowsIn(storeOn(backend, int64))).toEqual([
      ['alpha', 2, 1_700_000_000_050, null],
      ['beta', 1, 1_700_000_000_100, null],
    ])
    await backend.close()
    const { entries } = await runToEnd(golden, 'counts', { dataDirectory, appId })
    expect(entries).toEqual(counted)
    await withBrokerOf(dataDirectory, async (brokers) => {
      const producer = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).producer()
      await producer.connect()
      await producer.send({ topic: 'lines', messages: [{ key: null, value: 'alpha four' }] })
      await producer.disconnect()
    })
    const again = await runToEnd(golden, 'seen', { dataDirectory, appId })
    expect(again.entries).toEqual(
      new Map([
        ['alpha', { lines: ['alpha one', 'alpha three', 'alpha four'] }],
        ['beta', { lines: ['beta two'] }],
      ]),
    )
  })
})
