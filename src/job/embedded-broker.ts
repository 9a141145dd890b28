import { type Broker, createBroker } from '../broker/broker.ts'
import type { BrokerOptions } from '../broker/broker-options.ts'
import { type Listener, listen } from '../broker/net/listener.ts'
import type { BrokerStorage } from '../broker/storage/broker-storage.ts'
import type { Clock } from '../core/clock.ts'
import type { Logger } from '../core/logger.ts'
import type { Random } from '../core/random.ts'
import type { ListenAddress } from './job-config.ts'

/** A broker of this process, with the port it listens on, if any. */
export interface EmbeddedBroker {
  readonly broker: Broker
  readonly listener: Listener | null
  close(): Promise<void>
}

/** What an embedded broker is opened with. */
export interface EmbeddedBrokerParts {
  readonly storage: BrokerStorage
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly listen?: ListenAddress | undefined
  readonly options?: BrokerOptions
}

/** Opens a broker on a storage, and its port when an address is given. Frees the storage when that fails. */
export async function openEmbeddedBroker(parts: EmbeddedBrokerParts): Promise<EmbeddedBroker> {
  const { storage, clock, random, logger, options } = parts
  let broker: Broker | null = null
  try {
    broker = await createBroker({ storage, clock, random, logger, ...(options ? { options } : {}) })
    const listener = parts.listen ? await listen(broker, parts.listen.host, parts.listen.port) : null
    const opened = broker
    return {
      broker,
      listener,
      async close() {
        await listener?.close()
        await opened.close()
      },
    }
  } catch (error) {
    await (broker ?? storage).close()
    throw error
  }
}
