import { engineSuite } from '../contract/engine-suite.ts'
import { describeKafka } from '../support/kafka-under-test.ts'

describeKafka('a real Kafka', (brokers) => {
  engineSuite('a real Kafka', () => ({
    config: (dataDirectory) => ({ dataDirectory, brokers: [brokers] }),
    withBrokers: (_directory, use) => use(brokers),
  }))
})
