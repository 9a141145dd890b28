import { openFileStorage } from '../broker/storage/file-storage.ts'
import { nodeFileSystem } from '../core/node-file-system.ts'
import { nodeProcess } from '../core/process-port.ts'
import { systemRandom } from '../core/system-random.ts'
import { openEmbeddedBroker } from '../job/embedded-broker.ts'
import type { BrokerCommandOptions } from './command-line.ts'
import { consoleLogger } from './console-logger.ts'
import type { CommandContext } from './run.ts'

/** `millrace broker`: serves the log of a data directory until it is stopped. @throws {StreamError} what it cannot open */
export async function broker(options: BrokerCommandOptions, context: CommandContext): Promise<void> {
  const { clock, signals, err } = context
  const directory = `${await nodeFileSystem.resolve(options.dataDirectory)}/broker`
  const opened = await openEmbeddedBroker({
    storage: await openFileStorage(directory, nodeProcess.pid),
    clock,
    random: systemRandom,
    logger: consoleLogger((line) => err.write(`${line}\n`), context.isVerbose),
    listen: options.listen,
  })
  const address = opened.listener?.address
  err.write(`the broker of ${directory} listens on ${address?.host}:${address?.port}; stop it with Ctrl-C\n`)
  try {
    const failure = await Promise.race([signals.requested.then(() => null), opened.broker.failed])
    if (failure !== null) throw failure
  } finally {
    await opened.close()
  }
}
