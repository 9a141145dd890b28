import { engineEdgesSuite } from '../contract/engine-edges-suite.ts'
import { engineGraphSuite } from '../contract/engine-graph-suite.ts'
import { engineHeadersSuite } from '../contract/engine-headers-suite.ts'
import { engineLimitsSuite } from '../contract/engine-limits-suite.ts'
import { engineNullsSuite } from '../contract/engine-nulls-suite.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { describeKafka } from '../support/kafka-under-test.ts'

describeKafka('a real Kafka', (brokers) => {
  const environment: EngineEnvironment = {
    areBrokersShared: true,
    config: (dataDirectory) => ({ dataDirectory, brokers: [brokers] }),
    withBrokers: (_directory, use) => use(brokers),
  }
  engineSuite('a real Kafka', () => environment)
  engineEdgesSuite('a real Kafka', () => environment)
  engineGraphSuite('a real Kafka', () => environment)
  engineHeadersSuite('a real Kafka', () => environment)
  engineLimitsSuite('a real Kafka', () => environment)
  engineNullsSuite('a real Kafka', () => environment)
})
