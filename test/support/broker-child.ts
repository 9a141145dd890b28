/**
 * A child that serves the embedded broker in the directory `argv[2]` on a free port of 127.0.0.1, until it is killed.
 * Its first line on stdout is the port; when the broker fails, a line `failed CODE` follows and it exits with 3.
 */
import { createBroker } from '../../src/broker/broker.ts'
import { listen } from '../../src/broker/net/listener.ts'
import { openFileStorage } from '../../src/broker/storage/file-storage.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { systemClock } from '../../src/core/system-clock.ts'
import { systemRandom } from '../../src/core/system-random.ts'

const [, , directory, options = '{}'] = process.argv as [string, string, string, string?]
const fail = (error: unknown): void => {
  process.stdout.write(`failed ${(error as { code?: string }).code ?? String(error)}\n`, () => process.exit(3))
}
try {
  const storage = await openFileStorage(directory, process.pid)
  const broker = await createBroker({
    storage,
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    options: JSON.parse(options),
  })
  broker.failed.then(fail, fail)
  const { address } = await listen(broker, '127.0.0.1', 0)
  process.stdout.write(`${address.port}\n`)
} catch (error) {
  fail(error)
}
