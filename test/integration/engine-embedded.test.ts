import { openFileStorage } from '../../src/broker/file-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'
import { openEmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { engineEdgesSuite } from '../contract/engine-edges-suite.ts'
import { type EngineEnvironment, engineSuite } from '../contract/engine-suite.ts'
import { freePort } from '../support/free-port.ts'

/** The embedded broker in the job's own process; foreign clients come while no job has its directory. */
const inProcess: EngineEnvironment = {
  config: (dataDirectory) => ({ dataDirectory }),
  async withBrokers(dataDirectory, use) {
    const port = await freePort()
    const opened = await openEmbeddedBroker({
      storage: await openFileStorage(`${dataDirectory}/broker`, process.pid),
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
      listen: { host: '127.0.0.1', port },
    })
    try {
      return await use(`127.0.0.1:${port}`)
    } finally {
      await opened.close()
    }
  },
}

engineSuite('the embedded broker in its own process', () => inProcess)
engineEdgesSuite('the embedded broker in its own process', () => inProcess)
