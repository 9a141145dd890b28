import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { describeKafka } from '../support/kafka-under-test.ts'

describeKafka('the real Kafka of the tests', (brokers) => {
  test('answers a client and creates no topic unasked', async () => {
    const admin = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      const cluster = await admin.describeCluster()
      expect(cluster.brokers.map(({ host, port }) => `${host}:${port}`)).toEqual([brokers])
      await expect(admin.fetchTopicMetadata({ topics: ['never-created'] })).rejects.toThrow()
      expect(await admin.listTopics()).not.toContain('never-created')
    } finally {
      await admin.disconnect()
    }
  })
})
