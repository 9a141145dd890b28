import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { BrokerOptions } from '../../src/broker/broker-options.ts'

const script = fileURLToPath(new URL('./broker-child.ts', import.meta.url))

/** An embedded broker in a process of its own. */
export interface BrokerProcess {
  readonly port: number
  readonly child: ChildProcess
  /** kill -9, and a wait until the process is gone. */
  kill(): Promise<void>
}

/** @throws when the broker does not start, with the code that it failed with */
export async function startBrokerProcess(directory: string, options: BrokerOptions = {}): Promise<BrokerProcess> {
  const child = spawn(process.execPath, ['--import', 'tsx', script, directory, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'close')
  const [line] = (await once(createInterface({ input: child.stdout as NodeJS.ReadableStream }), 'line')) as [string]
  if (line.startsWith('failed')) {
    await ended
    throw new Error(line)
  }
  return {
    port: Number(line),
    child,
    kill: async () => {
      child.kill('SIGKILL')
      await ended
    },
  }
}
