import { takeoverSuite } from '../contract/takeover-suite.ts'
import { describeKafka } from '../support/kafka-under-test.ts'

describeKafka('take-over', (brokers) => {
  takeoverSuite('a real Kafka', () => brokers)
})
