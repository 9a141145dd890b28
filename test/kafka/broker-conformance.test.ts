import { describeBrokerConformance } from '../contract/broker-conformance.ts'
import { describeKafka } from '../support/kafka-under-test.ts'
import { rawClientAt } from '../support/raw-client.ts'

describeKafka('the conformance suite', (brokers) => {
  const [host, port] = brokers.split(':') as [string, string]
  describeBrokerConformance('Apache Kafka', async () => ({
    connect: () => rawClientAt(host, Number(port)),
    stop: async () => undefined,
  }))
})
