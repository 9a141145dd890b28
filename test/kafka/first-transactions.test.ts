import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apiVersions } from '../../src/protocol/messages/api-versions.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { withSession } from '../support/kafka-session.ts'
import { type RealKafka, startRealKafka, whyNotKafka } from '../support/real-kafka.ts'

/** A cluster that has agreed on transactions of version 1, and serves the requests of version 2 all the same. */

const why = whyNotKafka()

describe.skipIf(why !== null)(`a real Kafka with transactions of version 1${why ? ` (skipped: ${why})` : ''}`, () => {
  let kafka: RealKafka | null = null
  beforeAll(async () => {
    kafka = await startRealKafka(1)
  })
  afterAll(() => kafka?.stop())
  const brokers = (): string => kafka?.brokers ?? ''

  it('says so', async () => {
    const software = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const answer = await withSession(brokers(), (session) => session.request(apiVersions, 4, software))
    const level = { name: 'transaction.version', minVersionLevel: 1, maxVersionLevel: 1 }
    expect(answer.finalizedFeatures).toContainEqual(level)
    expect(answer.apiKeys).toContainEqual({ apiKey: 26, minVersion: 0, maxVersion: 5 })
  })

  const environment: EngineEnvironment = {
    areBrokersShared: true,
    config: (dataDirectory) => ({ dataDirectory, brokers: [brokers()] }),
    withBrokers: (_directory, use) => use(brokers()),
  }
  engineSuite('a real Kafka with transactions of version 1', () => environment)
})
