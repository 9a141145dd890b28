import type { BrokerStorage } from '../../src/broker/storage/broker-storage.ts'
import { openFileStorage } from '../../src/broker/storage/file-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'
import { type EmbeddedBroker, openEmbeddedBroker } from '../../src/job/embedded-broker.ts'
import { freePort } from './free-port.ts'

/** An embedded broker with a port of its own, and where it listens. */
export async function listeningBroker(
  storage: BrokerStorage,
): Promise<{ readonly opened: EmbeddedBroker; readonly brokers: string }> {
  const listen = { host: '127.0.0.1', port: await freePort() }
  const ports = { clock: systemClock, random: systemRandom, logger: silentLogger }
  const opened = await openEmbeddedBroker({ storage, ...ports, listen })
  return { opened, brokers: `${listen.host}:${listen.port}` }
}

/** Serves the embedded broker of a data directory to foreign clients, while no job has it. */
export async function withBrokerOf<T>(dataDirectory: string, use: (brokers: string) => Promise<T>): Promise<T> {
  const { opened, brokers } = await listeningBroker(await openFileStorage(`${dataDirectory}/broker`, process.pid))
  try {
    return await use(brokers)
  } finally {
    await opened.close()
  }
}
