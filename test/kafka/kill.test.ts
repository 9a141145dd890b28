import { killSuite } from '../contract/kill-suite.ts'
import { describeKafka } from '../support/kafka-under-test.ts'

describeKafka('kill -9', (brokers) => {
  killSuite('a real Kafka', { kills: 20, brokers })
})
