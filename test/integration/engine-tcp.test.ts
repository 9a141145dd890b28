import { afterAll, beforeAll } from 'vitest'
import { MemoryStorage } from '../../src/broker/storage/memory-storage.ts'
import type { EmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { engineEdgesSuite } from '../contract/engine-edges-suite.ts'
import { engineGraphSuite } from '../contract/engine-graph-suite.ts'
import { engineHeadersSuite } from '../contract/engine-headers-suite.ts'
import { engineLimitsSuite } from '../contract/engine-limits-suite.ts'
import { engineNullsSuite } from '../contract/engine-nulls-suite.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { listeningBroker } from '../support/embedded-broker.ts'

let opened: EmbeddedBroker | null = null
let brokers = ''

beforeAll(async () => {
  const listening = await listeningBroker(new MemoryStorage().open())
  opened = listening.opened
  brokers = listening.brokers
})
afterAll(() => opened?.close())

const overTcp: EngineEnvironment = {
  areBrokersShared: true,
  config: (dataDirectory) => ({ dataDirectory, brokers: [brokers] }),
  withBrokers: (_directory, use) => use(brokers),
}

engineSuite('the embedded broker over TCP', () => overTcp)
engineEdgesSuite('the embedded broker over TCP', () => overTcp)
engineGraphSuite('the embedded broker over TCP', () => overTcp)
engineHeadersSuite('the embedded broker over TCP', () => overTcp)
engineLimitsSuite('the embedded broker over TCP', () => overTcp)
engineNullsSuite('the embedded broker over TCP', () => overTcp)
