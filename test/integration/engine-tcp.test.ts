import { afterAll, beforeAll } from 'vitest'
import { MemoryDisk } from '../../src/broker/memory-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'
import { type EmbeddedBroker, openEmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { engineEdgesSuite } from '../contract/engine-edges-suite.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { freePort } from '../support/free-port.ts'

let opened: EmbeddedBroker | null = null
let brokers = ''

beforeAll(async () => {
  const port = await freePort()
  brokers = `127.0.0.1:${port}`
  opened = await openEmbeddedBroker({
    storage: new MemoryDisk().open(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    listen: { host: '127.0.0.1', port },
  })
})
afterAll(() => opened?.close())

const overTcp: EngineEnvironment = {
  config: (dataDirectory) => ({ dataDirectory, brokers: [brokers] }),
  withBrokers: (_directory, use) => use(brokers),
}

engineSuite('the embedded broker over TCP', () => overTcp)
engineEdgesSuite('the embedded broker over TCP', () => overTcp)
