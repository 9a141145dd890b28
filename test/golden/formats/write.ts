/**
 * Writes the fixtures of this version's formats anew: `npm run golden:formats`. What it writes is what users have on their
 * disks, so a change of it that an older reader could not take needs a folder of its own (README.md).
 */
import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { encodePositions, positionsKey } from '../../../src/checkpoint/positions-row.ts'
import { encodeMeta, metaKey } from '../../../src/checkpoint/store-meta.ts'
import { MemoryBudget } from '../../../src/core/memory-budget.ts'
import { noHeaders } from '../../../src/core/record.ts'
import { RecordBatchWriter } from '../../../src/protocol/record-batch-writer.ts'
import { levelBackends } from '../../../src/state/level-backend.ts'
import { encodeRow, rowFormat, rowHeaders } from '../../../src/state/row-format.ts'
import { RowStore } from '../../../src/state/row-store.ts'
import { withBrokerOf } from '../../support/embedded-broker.ts'
import { runToEnd } from '../../support/job-runner.ts'
import { temporaryDirectory } from '../../support/temp-dir.ts'
import {
  appId,
  deletedKey,
  golden,
  lines,
  reservedRows,
  rowsIdentity,
  rowsPositions,
  rowsStore,
  rowsValue,
  thisFormats,
  userRows,
} from './fixture.ts'

/** What a running process leaves beside its data. */
const leftovers = /^(?:LOG|LOG\.old|LOCK)$|\.(?:pid|holder)$/

const target = join(import.meta.dirname, thisFormats)
await using scratch = await temporaryDirectory('golden')
await rm(target, { recursive: true, force: true })
await mkdir(target, { recursive: true })

await writeRows(join(scratch.path, 'rows'))
await writeData(join(scratch.path, 'data'))
for (const folder of ['rows', 'data']) await cp(join(scratch.path, folder), join(target, folder), { recursive: true })
for (const entry of await readdir(target, { recursive: true, withFileTypes: true })) {
  if (leftovers.test(entry.name)) await rm(join(entry.parentPath, entry.name), { force: true })
}

/** A store and the batch of its changelog, as one commit writes them. */
async function writeRows(path: string): Promise<void> {
  const backend = await levelBackends().open(path)
  const options = { memory: new MemoryBudget(1e7), hashSeed: 1, backendBytes: 0 }
  const store = new RowStore(rowsStore, backend, rowsValue, options)
  const put = (key: string, value: string | undefined, time: number, expiry: number | null = null) =>
    store.rows.put(store.rows.row(Buffer.from(key), 0, Buffer.byteLength(key)), value, time, expiry)
  for (const [key, value, time, expiry] of userRows) put(key, value, time, expiry)
  put(deletedKey, undefined, 7)
  for (const [name, value] of reservedRows) {
    store.reserved.put(store.reserved.row(Buffer.from(name), 0, name.length), Buffer.from(value), 8)
  }
  const changes = store.cut()
  const log = new RecordBatchWriter(1 << 16)
  log.append(Buffer.from(`\u0001${deletedKey}`), Buffer.from('was there'), 6, noHeaders)
  changes.forEach((bytes, keyAt, keyLength, valueAt, valueLength, time, expiry) => {
    log.appendRanges(bytes, keyAt, keyLength, bytes, valueAt, valueLength, time, rowHeaders(expiry))
  })
  log.append(positionsKey, encodePositions(rowsPositions), 9, noHeaders)
  await writeFile(join(target, 'changelog.batch'), log.finish(null, 0, false))
  store.known()
  await backend.batch(changes)
  store.written()
  const meta = { format: rowFormat, ...rowsIdentity, changelogOffset: 10, writtenMs: 1_700_000_000_000 }
  await backend.batch([
    { key: positionsKey, value: encodeRow(0, encodePositions(rowsPositions)) },
    { key: metaKey, value: encodeRow(0, encodeMeta(meta)) },
  ])
  await backend.close()
}

/** The data directory of a job that came to the end of a topic: broker, stores, manifest, offsets. */
async function writeData(dataDirectory: string): Promise<void> {
  await withBrokerOf(dataDirectory, async (brokers) => {
    const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const configEntries = [{ name: 'retention.ms', value: '-1' }]
    await admin.createTopics({ topics: [{ topic: 'lines', numPartitions: 1, configEntries }], waitForLeaders: true })
    await admin.disconnect()
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({
      topic: 'lines',
      messages: lines.map(([value, timestamp]) => ({ key: null, value, timestamp: String(timestamp) })),
    })
    await producer.disconnect()
  })
  await runToEnd(golden, null, { dataDirectory, appId })
}
