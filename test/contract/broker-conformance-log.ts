import { describe, expect, it } from 'vitest'
import { batchLayout } from '../../src/protocol/batch-header.ts'
import { encodeMarker, markerType } from '../../src/protocol/control-batch.ts'
import { kafkaError } from '../../src/protocol/kafka-errors.ts'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { alterConfigs, describeConfigs, incrementalAlterConfigs } from '../../src/protocol/messages/configs.ts'
import { fetch } from '../../src/protocol/messages/fetch.ts'
import { metadata } from '../../src/protocol/messages/metadata.ts'
import { offsetForLeaderEpoch } from '../../src/protocol/messages/offsets.ts'
import { produce } from '../../src/protocol/messages/produce.ts'
import { createPartitions, createTopics, deleteRecords, deleteTopics } from '../../src/protocol/messages/topics.ts'
import { WireReader } from '../../src/protocol/wire-reader.ts'
import { textBatch, textsIn } from '../support/broker-harness.ts'
import type { Conformance } from '../support/conformance.ts'
import { type KafkaSession, until } from '../support/kafka-session.ts'
import { batchOf, gzipped, record, recordsIn, restamped } from '../support/record-batches.ts'

const purge = async (session: KafkaSession, topic: string, offset: number) => {
  const answer = await session.request(deleteRecords, 2, {
    topics: [{ name: topic, partitions: [{ index: 0, offset }] }],
    timeoutMs: 10_000,
  })
  return answer.topics[0]?.partitions[0]
}

/** Versions, topics, settings, appending, reading, idempotence. */
export function logConformance({ name, session, another }: Conformance): void {
  describe('ApiVersions', () => {
    it('answers a version it does not know with error 35 and its ranges, in the form of version 0', async () => {
      const frame = Buffer.from([0, 18, 0, 99, 0, 0, 0, 7, 255, 255, 0])
      const reader = new WireReader((await (await another()).client.frame(frame)) ?? Buffer.alloc(0))
      expect(reader.int32()).toBe(7)
      const answer = apiVersions.response.read(0, reader)
      expect(answer.errorCode).toBe(kafkaError.UNSUPPORTED_VERSION)
      expect(answer.apiKeys.map(({ apiKey }) => apiKey)).toContain(18)
    })

    it('refuses a client whose software name has odd characters', async () => {
      const answer = await session().request(apiVersions, 3, { clientSoftwareName: 'a b', clientSoftwareVersion: '1' })
      expect(answer.errorCode).toBe(kafkaError.INVALID_REQUEST)
    })

    it('closes only the connection that asks for an unknown API', async () => {
      const frame = Buffer.from([0x7f, 0, 0, 0, 0, 0, 0, 7, 255, 255])
      await expect((await another()).client.frame(frame)).rejects.toThrow()
      expect((await session().request(apiVersions, 0, {})).errorCode).toBe(0)
    })
  })

  describe('topics', () => {
    interface Wanted {
      readonly name: string
      readonly numPartitions?: number
      readonly replicationFactor?: number
      readonly configs?: { readonly name: string; readonly value: string }[]
    }
    const create = async (topic: Wanted, more = {}) => {
      const answer = await session().request(createTopics, 5, {
        topics: [{ numPartitions: 1, replicationFactor: 1, ...topic }],
        timeoutMs: 10_000,
        ...more,
      })
      return answer.topics[0]
    }

    it('creates a topic once', async () => {
      const topic = name('topic')
      expect(await create({ name: topic, numPartitions: 3 })).toMatchObject({ errorCode: 0, numPartitions: 3 })
      expect(await create({ name: topic })).toMatchObject({ errorCode: kafkaError.TOPIC_ALREADY_EXISTS })
    })

    it('refuses bad names, partition counts, replication factors and settings by their own errors', async () => {
      expect((await create({ name: 'no spaces' }))?.errorCode).toBe(kafkaError.INVALID_TOPIC_EXCEPTION)
      expect((await create({ name: name('t'), numPartitions: 0 }))?.errorCode).toBe(kafkaError.INVALID_PARTITIONS)
      expect((await create({ name: name('t'), replicationFactor: 9 }))?.errorCode).toBe(
        kafkaError.INVALID_REPLICATION_FACTOR,
      )
      const answer = await session().request(createTopics, 5, {
        topics: [
          {
            name: name('t'),
            numPartitions: 1,
            replicationFactor: 1,
            configs: [{ name: 'retention.ms', value: 'soon' }],
          },
          { name: name('t'), numPartitions: 1, replicationFactor: 1, configs: [{ name: 'no.such', value: '1' }] },
        ],
        timeoutMs: 10_000,
      })
      expect(answer.topics.map(({ errorCode }) => errorCode)).toEqual([
        kafkaError.INVALID_CONFIG,
        kafkaError.INVALID_CONFIG,
      ])
    })

    it('refuses a name that differs from another only in dots and underscores', async () => {
      const topic = name('metric')
      expect((await create({ name: `${topic}.a_b` }))?.errorCode).toBe(0)
      expect((await create({ name: `${topic}_a.b` }))?.errorCode).toBe(kafkaError.INVALID_TOPIC_EXCEPTION)
      expect((await create({ name: `${topic}.a_b` }))?.errorCode).toBe(kafkaError.TOPIC_ALREADY_EXISTS)
    })

    it.each([
      ['retention.ms', '-7'],
      ['max.message.bytes', '-5'],
      ['max.message.bytes', '99999999999'],
      ['retention.bytes', '9223372036854775808'],
      ['min.insync.replicas', '0'],
      ['min.cleanable.dirty.ratio', '7.5'],
      ['segment.bytes', '1'],
    ])('refuses a setting out of its range, %s = %s, for a new topic and for an old one', async (setting, value) => {
      const topic = name('range')
      const configs = [{ name: setting, value }]
      expect((await create({ name: topic, configs }))?.errorCode).toBe(kafkaError.INVALID_CONFIG)
      await session().createTopic(topic)
      const altered = await session().request(alterConfigs, 2, {
        resources: [{ resourceType: 2, resourceName: topic, configs }],
        validateOnly: false,
      })
      expect(altered.responses[0]?.errorCode).toBe(kafkaError.INVALID_CONFIG)
    })

    it('creates nothing when only asked to validate', async () => {
      const topic = name('trial')
      expect((await create({ name: topic }, { validateOnly: true }))?.errorCode).toBe(0)
      const answer = await session().request(metadata, 9, { topics: [{ name: topic }], allowAutoTopicCreation: false })
      expect(answer.topics[0]?.errorCode).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
    })

    it('tells partitions and leaders, and errors for topics that are missing or cannot be', async () => {
      const topic = name('topic')
      await session().createTopic(topic, 2)
      const answer = await session().request(metadata, 12, {
        topics: [{ name: topic }, { name: name('gone') }, { name: 'no spaces' }],
        allowAutoTopicCreation: false,
      })
      const found = (wanted: string) => answer.topics.find((one) => one.name === wanted)
      expect(answer.topics.map(({ errorCode }) => errorCode).sort((a, b) => a - b)).toEqual([
        0,
        kafkaError.UNKNOWN_TOPIC_OR_PARTITION,
        kafkaError.INVALID_TOPIC_EXCEPTION,
      ])
      expect(
        found(topic)
          ?.partitions.map(({ index }) => index)
          .sort(),
      ).toEqual([0, 1])
      expect(answer.brokers.map(({ nodeId }) => nodeId)).toContain(found(topic)?.partitions[0]?.leaderId)
    })

    it('tells of a topic once, however often it is named', async () => {
      const topic = name('topic')
      await session().createTopic(topic)
      const answer = await session().request(metadata, 12, {
        topics: [{ name: topic }, { name: topic }],
        allowAutoTopicCreation: false,
      })
      expect(answer.topics.map((one) => one.name)).toEqual([topic])
    })

    it('adds partitions and never takes them away', async () => {
      const topic = name('growing')
      await session().createTopic(topic, 2)
      const grow = async (wanted: string, count: number) => {
        const answer = await session().request(createPartitions, 2, {
          topics: [{ name: wanted, count, assignments: null }],
          timeoutMs: 10_000,
          validateOnly: false,
        })
        return answer.results[0]?.errorCode
      }
      expect(await grow(topic, 2)).toBe(kafkaError.INVALID_PARTITIONS)
      expect(await grow(topic, 1)).toBe(kafkaError.INVALID_PARTITIONS)
      expect(await grow(name('gone'), 3)).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      expect(await grow(topic, 3)).toBe(0)
      expect(
        (
          await until(
            () => session().send(topic, ['x'], {}, 2),
            ({ errorCode }) => errorCode === 0,
          )
        ).errorCode,
      ).toBe(0)
    })

    it('deletes a topic with its records; one of the same name begins at 0', async () => {
      const topic = name('deleted')
      await session().createTopic(topic)
      await session().send(topic, ['a', 'b'])
      const remove = async () =>
        (await session().request(deleteTopics, 4, { topicNames: [topic], timeoutMs: 10_000 })).responses[0]?.errorCode
      expect(await remove()).toBe(0)
      expect(await remove()).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      await until(
        () => session().fetch(topic, 0),
        ({ errorCode }) => errorCode !== 0,
      )
      await session().createTopic(topic)
      expect(
        await until(
          () => session().send(topic, ['c']),
          ({ errorCode }) => errorCode === 0,
        ),
      ).toMatchObject({
        errorCode: 0,
        baseOffset: 0,
      })
    })

    it('keeps settings, tells which were given, and changes them one by one or all at once', async () => {
      const topic = name('settings')
      await session().createTopic(topic, 1, { 'retention.ms': '1000', 'cleanup.policy': 'compact' })
      const read = async () => {
        const answer = await session().request(describeConfigs, 3, {
          resources: [{ resourceType: 2, resourceName: topic, configurationKeys: ['retention.ms', 'cleanup.policy'] }],
        })
        const configs = answer.results[0]?.configs ?? []
        return Object.fromEntries(configs.map((one) => [one.name, [one.value, one.configSource]]))
      }
      expect(await read()).toEqual({ 'retention.ms': ['1000', 1], 'cleanup.policy': ['compact', 1] })
      const change = (configs: { name: string; configOperation: number; value: string | null }[]) =>
        session().request(incrementalAlterConfigs, 1, {
          resources: [{ resourceType: 2, resourceName: topic, configs }],
          validateOnly: false,
        })
      await change([
        { name: 'retention.ms', configOperation: 1, value: null },
        { name: 'cleanup.policy', configOperation: 2, value: 'delete' },
      ])
      expect(await until(read, (now) => now['retention.ms']?.[1] === 5)).toEqual({
        'retention.ms': ['604800000', 5],
        'cleanup.policy': ['compact,delete', 1],
      })
      await session().request(alterConfigs, 2, {
        resources: [{ resourceType: 2, resourceName: topic, configs: [{ name: 'retention.ms', value: '7' }] }],
        validateOnly: false,
      })
      expect(await until(read, (now) => now['retention.ms']?.[0] === '7')).toEqual({
        'retention.ms': ['7', 1],
        'cleanup.policy': ['delete', 5],
      })
      const refused = await change([{ name: 'retention.ms', configOperation: 0, value: 'soon' }])
      expect(refused.responses[0]?.errorCode).toBe(kafkaError.INVALID_CONFIG)
    })
  })

  describe('Produce', () => {
    it('assigns ascending offsets', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      expect(await session().send(topic, ['a', 'b'])).toMatchObject({ errorCode: 0, baseOffset: 0, logStartOffset: 0 })
      expect(await session().send(topic, ['c'])).toMatchObject({ errorCode: 0, baseOffset: 2 })
    })

    it('refuses what is no sound batch, and appends nothing of it', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      const errorOf = async (records: Buffer | null, version = 9) =>
        (await session().produce(topic, records, 0, null, version)).errorCode
      const flipped = textBatch(['a'])
      flipped[flipped.length - 1] = 0x55
      const miscounted = textBatch(['a', 'b'])
      miscounted.writeInt32BE(5, batchLayout.count)
      const beyond = textBatch(['a', 'b'])
      beyond.writeInt32BE(5, batchLayout.lastOffsetDelta)
      const zstd = textBatch(['a'])
      zstd.writeInt16BE(4, batchLayout.attributes)
      expect(await errorOf(flipped)).toBe(kafkaError.CORRUPT_MESSAGE)
      expect(await errorOf(restamped(miscounted))).toBe(kafkaError.INVALID_RECORD)
      expect(await errorOf(restamped(beyond))).toBe(kafkaError.INVALID_RECORD)
      expect(await errorOf(Buffer.concat([textBatch(['a']), textBatch(['b'])]))).toBe(kafkaError.INVALID_RECORD)
      expect(await errorOf(Buffer.alloc(0))).toBe(kafkaError.INVALID_RECORD)
      expect(await errorOf(restamped(zstd), 6)).toBe(kafkaError.UNSUPPORTED_COMPRESSION_TYPE)
      const marker = encodeMarker({ producerId: 1, producerEpoch: 0 }, markerType.commit, 0, Date.now())
      expect(await errorOf(marker)).toBe(kafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
      const control = textBatch(['a'])
      control.writeInt16BE(0x20, batchLayout.attributes)
      expect(await errorOf(restamped(control))).toBe(kafkaError.INVALID_RECORD)
      expect(await errorOf(textBatch(['x'.repeat(1_100_000)]))).toBe(kafkaError.MESSAGE_TOO_LARGE)
      expect(await errorOf(textBatch(['a'], { timestamp: Date.now() + 7_200_000 }))).toBe(kafkaError.INVALID_TIMESTAMP)
      expect(await session().listOffset(topic, 0, -1)).toMatchObject({ offset: 0 })
    })

    it('takes a batch of max.message.bytes to the byte, as it is sent, and refuses one byte more', async () => {
      const topic = name('limit')
      await session().createTopic(topic, 1, { 'max.message.bytes': '5000' })
      const errorOf = async (records: Buffer) => (await session().produce(topic, records)).errorCode
      const [fits, tooLarge] = [textBatch(['x'.repeat(5000 - 70)]), textBatch(['x'.repeat(5001 - 70)])]
      expect([fits.length, tooLarge.length]).toEqual([5000, 5001])
      expect([await errorOf(fits), await errorOf(tooLarge)]).toEqual([0, kafkaError.MESSAGE_TOO_LARGE])
      // Of what is compressed, the compressed size counts; of many records their batch.
      expect(await errorOf(gzipped(textBatch(['x'.repeat(50_000)])))).toBe(0)
      const many = Array.from({ length: 100 }, () => 'x'.repeat(100))
      expect(await errorOf(textBatch(many))).toBe(kafkaError.MESSAGE_TOO_LARGE)
      const headers = Array.from({ length: 49 }, (): [string, string] => ['h'.repeat(49), 'v'.repeat(49)])
      const headed = (more: number) => batchOf([record(null, 'x'.repeat(more), Date.now(), headers)])
      const room = 5000 - headed(10).length
      expect(headed(10 + room)).toHaveLength(5000)
      expect([await errorOf(headed(10 + room)), await errorOf(headed(11 + room))]).toEqual([
        0,
        kafkaError.MESSAGE_TOO_LARGE,
      ])
      await session().alterTopic(topic, { 'max.message.bytes': '4999' })
      expect(await errorOf(textBatch(['x'.repeat(5000 - 70)]))).toBe(kafkaError.MESSAGE_TOO_LARGE)
      expect(await errorOf(textBatch(['x'.repeat(4999 - 70)]))).toBe(0)
      expect(await session().listOffset(topic, 0, -1)).toMatchObject({ offset: 4 })
    })

    it('takes a batch of segment.bytes to the byte, and refuses one byte more', async () => {
      const topic = name('segment')
      await session().createTopic(topic, 1, { 'max.message.bytes': '3000000', 'segment.bytes': '1048576' })
      const errorOf = async (records: Buffer) => (await session().produce(topic, records)).errorCode
      const [fits, tooLarge] = [textBatch(['x'.repeat(1_048_576 - 72)]), textBatch(['x'.repeat(1_048_577 - 72)])]
      expect([fits.length, tooLarge.length]).toEqual([1_048_576, 1_048_577])
      expect([await errorOf(fits), await errorOf(tooLarge)]).toEqual([0, kafkaError.RECORD_LIST_TOO_LARGE])
    })

    it('takes a record of 20,000 headers, repeated names, nulls and bytes that are not UTF-8 among them', async () => {
      const topic = name('headers')
      await session().createTopic(topic)
      const headers = Array.from({ length: 20_000 }, (_, i): [string, string | null] => ['n', i % 2 ? null : 'v'])
      const batch = batchOf([record('k', 'v', Date.now(), headers)])
      batch[batch.indexOf('n')] = 0xff
      expect((await session().produce(topic, restamped(batch))).errorCode).toBe(0)
      const { records } = await session().fetch(topic, 0)
      expect(Buffer.from(records ?? []).subarray(batchLayout.records)).toEqual(batch.subarray(batchLayout.records))
    })

    it('refuses records that are none, and fewer than the batch says', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      const noise = textBatch(['hello', 'there'])
      noise.fill(0xff, batchLayout.records)
      const overcounted = textBatch(['hello', 'there'])
      overcounted.writeInt32BE(1000, batchLayout.count)
      overcounted.writeInt32BE(999, batchLayout.lastOffsetDelta)
      // What the bytes are taken for decides about the number.
      expect((await session().produce(topic, restamped(noise))).errorCode).not.toBe(0)
      expect((await session().produce(topic, restamped(overcounted))).errorCode).toBe(kafkaError.INVALID_RECORD)
      expect(await session().listOffset(topic, 0, -1)).toMatchObject({ offset: 0 })
    })

    it('judges records by their own times, whatever greatest time their batch claims', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      const now = Date.now()
      for (const claimed of [now - 5_000_000, now + 5_000_000]) {
        const batch = textBatch(['a'], { timestamp: now })
        batch.writeBigInt64BE(BigInt(claimed), batchLayout.maxTimestamp)
        expect((await session().produce(topic, restamped(batch))).errorCode).toBe(0)
      }
      expect(await session().listOffset(topic, 0, now)).toMatchObject({ offset: 0, timestamp: now })
      expect(await session().listOffset(topic, 0, now + 1)).toMatchObject({ offset: -1 })
      const kept = recordsIn(Buffer.from((await session().fetch(topic, 0)).records ?? []))
      expect(kept.map(({ timestamp }) => timestamp)).toEqual([now, now])
      const late = textBatch(['a'], { timestamp: now + 7_200_000 })
      late.writeBigInt64BE(BigInt(now), batchLayout.maxTimestamp)
      expect((await session().produce(topic, restamped(late))).errorCode).toBe(kafkaError.INVALID_TIMESTAMP)
    })

    it('refuses unknown topics and partitions, and acknowledgements it does not know', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      expect((await session().send(name('gone'), ['a'])).errorCode).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      expect((await session().send(topic, ['a'], {}, 7)).errorCode).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      const answer = await session().request(produce, 9, {
        transactionalId: null,
        acks: 2,
        timeoutMs: 1000,
        topics: [{ name: topic, partitions: [{ index: 0, records: textBatch(['a']) }] }],
      })
      expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(kafkaError.INVALID_REQUIRED_ACKS)
    })

    it('wants keys in compacted topics, and says which records have none', async () => {
      const topic = name('compacted')
      await session().createTopic(topic, 1, { 'cleanup.policy': 'compact' })
      const refused = await session().send(topic, ['a', 'b'], { keys: ['k', null] })
      expect(refused.errorCode).toBe(kafkaError.INVALID_RECORD)
      expect(refused.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([1])
      expect((await session().send(topic, ['a'], { keys: ['k'] })).errorCode).toBe(0)
    })

    it('stamps its own time where the topic says so', async () => {
      const topic = name('append-time')
      await session().createTopic(topic, 1, { 'message.timestamp.type': 'LogAppendTime' })
      const sent = await session().send(topic, ['a'], { timestamp: 1000 })
      expect(sent.logAppendTimeMs).toBeGreaterThan(1_600_000_000_000)
      expect(await session().listOffset(topic, 0, 2000)).toMatchObject({ offset: 0, timestamp: sent.logAppendTimeMs })
    })
  })

  describe('Fetch', () => {
    it('gives whole batches from the one that holds the offset', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      await session().send(topic, ['a', 'b'])
      await session().send(topic, ['c'])
      const all = [
        [0, 'a'],
        [1, 'b'],
        [2, 'c'],
      ]
      const answer = await session().fetch(topic, 1)
      expect(textsIn(answer.records)).toEqual(all)
      expect(answer).toMatchObject({ errorCode: 0, highWatermark: 3, lastStableOffset: 3, logStartOffset: 0 })
      expect(textsIn((await session().fetch(topic, 2)).records)).toEqual(all.slice(2))
      expect(textsIn((await session().fetch(topic, 3)).records)).toEqual([])
    })

    it('gives the first batch even where it is larger than every limit', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      await session().send(topic, ['large'.repeat(1000)])
      await session().send(topic, ['b'])
      const answer = await session().fetch(topic, 0, { maxBytes: 100 })
      expect(textsIn(answer.records).map(([offset]) => offset)).toEqual([0])
    })

    it('fills an answer in the order that it is asked in, of a topic that is named twice, too', async () => {
      const [hot, rare] = [name('hot'), name('rare')]
      await session().createTopic(hot, 2)
      await session().createTopic(rare)
      await session().send(hot, ['h'.repeat(1000)], {}, 1)
      await session().send(rare, ['r'.repeat(1000)])
      const wanted = (index: number) => ({ index, fetchOffset: 0, maxBytes: 500 })
      const answer = await session().request(fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 10_000,
        isolationLevel: 0,
        topics: [
          { name: hot, partitions: [wanted(0)] },
          { name: rare, partitions: [wanted(0)] },
          { name: hot, partitions: [wanted(1)] },
        ],
      })
      const found = answer.topics.flatMap((topic) =>
        topic.partitions.map(({ index, records }) => [topic.name, index, (records?.length ?? 0) > 0]),
      )
      expect(found.filter(([, , hasRecords]) => hasRecords)).toEqual([[rare, 0, true]])
      expect(found).toHaveLength(3)
    })

    it('waits for what is not there yet, and wakes when it comes', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      const reader = await another()
      const waiting = reader.fetch(topic, 0, { maxWaitMs: 20_000 })
      await session().send(topic, ['late'])
      expect(textsIn((await waiting).records)).toEqual([[0, 'late']])
    })

    it('answers without data when the wait is over', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      await session().send(topic, ['a'])
      const started = Date.now()
      const answer = await (await another()).fetch(topic, 0, { maxWaitMs: 300, minBytes: 1 << 20 })
      expect(Date.now() - started).toBeGreaterThanOrEqual(290)
      expect(textsIn(answer.records)).toEqual([[0, 'a']])
    })

    it('refuses offsets outside the log, topics it does not have and leader epochs that are not its own', async () => {
      const topic = name('log')
      await session().createTopic(topic)
      await session().send(topic, ['a'])
      const described = await session().request(metadata, 12, { topics: [{ name: topic }] })
      const epoch = described.topics[0]?.partitions[0]?.leaderEpoch ?? -1
      const errorOf = async (offset: number, given = {}) => (await session().fetch(topic, offset, given)).errorCode
      expect(await errorOf(2)).toBe(kafkaError.OFFSET_OUT_OF_RANGE)
      expect(await errorOf(0, { index: 5 })).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      expect(await errorOf(0, { currentLeaderEpoch: epoch })).toBe(0)
      expect(await errorOf(0, { currentLeaderEpoch: epoch + 1 })).toBe(kafkaError.UNKNOWN_LEADER_EPOCH)
      const ends = await session().request(offsetForLeaderEpoch, 4, {
        topics: [{ name: topic, partitions: [{ index: 0, currentLeaderEpoch: epoch, leaderEpoch: epoch }] }],
      })
      expect(ends.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch: epoch, endOffset: 1 })
    })

    it('knows no session that it did not open', async () => {
      const answer = await session().request(fetch, 12, {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 1000,
        isolationLevel: 0,
        sessionId: 4711,
        sessionEpoch: 3,
        topics: [],
      })
      expect(answer.errorCode).toBe(kafkaError.FETCH_SESSION_ID_NOT_FOUND)
    })
  })

  describe('ListOffsets', () => {
    it('finds ends, times and the record with the greatest timestamp', async () => {
      const topic = name('times')
      await session().createTopic(topic)
      for (const timestamp of [1000, 3000, 2000]) await session().send(topic, [`at ${timestamp}`], { timestamp })
      const at = async (timestamp: number) => {
        const found = await session().listOffset(topic, 0, timestamp)
        return [found?.offset, found?.timestamp]
      }
      expect(await at(-2)).toEqual([0, -1])
      expect(await at(-1)).toEqual([3, -1])
      expect(await at(1000)).toEqual([0, 1000])
      expect(await at(1500)).toEqual([1, 3000])
      expect(await at(2500)).toEqual([1, 3000])
      expect(await at(3001)).toEqual([-1, -1])
      expect(await at(-3)).toEqual([1, 3000])
      expect((await session().listOffset(name('gone'), 0, -1))?.errorCode).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
    })
  })

  describe('DeleteRecords', () => {
    it('moves the start of the log, never back and never past its end', async () => {
      const topic = name('purged')
      await session().createTopic(topic)
      for (const value of ['a', 'b', 'c']) await session().send(topic, [value])
      expect(await purge(session(), topic, 2)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
      expect(await session().listOffset(topic, 0, -2)).toMatchObject({ offset: 2 })
      expect((await session().fetch(topic, 1)).errorCode).toBe(kafkaError.OFFSET_OUT_OF_RANGE)
      expect(textsIn((await session().fetch(topic, 2)).records)).toEqual([[2, 'c']])
      expect(await purge(session(), topic, 1)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
      expect((await purge(session(), topic, 9))?.errorCode).toBe(kafkaError.OFFSET_OUT_OF_RANGE)
      expect(await purge(session(), topic, -1)).toMatchObject({ errorCode: 0, lowWatermark: 3 })
      expect((await purge(session(), name('gone'), 0))?.errorCode).toBe(kafkaError.UNKNOWN_TOPIC_OR_PARTITION)
      expect(await session().send(topic, ['d'])).toMatchObject({ baseOffset: 3, logStartOffset: 3 })
    })

    it('does not give records below the start that share a batch with the first one', async () => {
      const topic = name('purged')
      await session().createTopic(topic)
      await session().send(topic, ['a', 'b', 'c'])
      await purge(session(), topic, 1)
      const found = textsIn((await session().fetch(topic, 1)).records)
      expect(found.filter(([offset]) => offset >= 1)).toEqual([
        [1, 'b'],
        [2, 'c'],
      ])
    })
  })

  describe('an idempotent producer', () => {
    const start = async () => {
      const topic = name('idempotent')
      await session().createTopic(topic)
      const producer = await session().init(null)
      const send = (sequence: number, values = ['v'], epoch = producer.producerEpoch) =>
        session().send(topic, values, { producer: { ...producer, producerEpoch: epoch }, sequence })
      return { topic, producer, send }
    }

    it('may repeat its last batches: the first answer is given again and nothing is appended', async () => {
      const { topic, send } = await start()
      for (let sequence = 0; sequence < 5; sequence++) await send(sequence)
      expect(await send(0)).toMatchObject({ errorCode: 0, baseOffset: 0 })
      expect(await send(4)).toMatchObject({ errorCode: 0, baseOffset: 4 })
      expect(await session().listOffset(topic, 0, -1)).toMatchObject({ offset: 5 })
    })

    it('is refused a gap, and a batch that is only partly a repetition', async () => {
      const { send } = await start()
      expect((await send(0, ['a', 'b'])).errorCode).toBe(0)
      expect((await send(3)).errorCode).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect((await send(1, ['b', 'c'])).errorCode).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect((await send(2)).errorCode).toBe(0)
    })

    it('is refused what is older than the last five batches', async () => {
      const { send } = await start()
      for (let sequence = 0; sequence < 6; sequence++) await send(sequence)
      expect((await send(0)).errorCode).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect(await send(1)).toMatchObject({ errorCode: 0, baseOffset: 1 })
    })

    it('begins a new epoch at sequence 0, and its old epoch is refused from then on', async () => {
      const { producer, send } = await start()
      const next = producer.producerEpoch + 1
      await send(0)
      expect((await send(1, ['x'], next)).errorCode).toBe(kafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER)
      expect((await send(0, ['x'], next)).errorCode).toBe(0)
      expect((await send(1)).errorCode).toBe(kafkaError.INVALID_PRODUCER_EPOCH)
    })

    it('may begin anywhere in a partition that knows nothing of it', async () => {
      const { send } = await start()
      expect((await send(17)).errorCode).toBe(0)
      expect((await send(18)).errorCode).toBe(0)
      expect((await send(17)).errorCode).toBe(0)
    })

    it('goes on at 0 behind the greatest sequence', async () => {
      const { topic, send } = await start()
      const last = 0x7fffffff
      expect((await send(last)).errorCode).toBe(0)
      expect((await send(0)).errorCode).toBe(0)
      const across = await start()
      expect((await across.send(last - 1, ['a', 'b', 'c'])).errorCode).toBe(0)
      expect((await across.send(1)).errorCode).toBe(0)
      expect(await session().listOffset(topic, 0, -1)).toMatchObject({ offset: 2 })
    })

    it('is refused a batch without a sequence', async () => {
      const { send } = await start()
      expect((await send(-1)).errorCode).toBe(kafkaError.INVALID_RECORD)
    })
  })
}
