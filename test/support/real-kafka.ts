import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePorts } from './free-port.ts'
import { temporaryDirectory } from './temp-dir.ts'

const run = promisify(execFile)
const here = dirname(fileURLToPath(import.meta.url))
const jarsFolder = join(here, '../../node_modules/.cache/millrace-kafka/4.1.1')
const pom = join(here, 'kafka/pom.xml')

/** How long a broker may take to listen; it needs about 3 s on an idle machine. */
const startTimeoutMs = 90_000

/** A real Kafka broker of one node (KRaft) that belongs to the caller. */
export interface RealKafka extends AsyncDisposable {
  /** `127.0.0.1:PORT`, for clients. */
  readonly brokers: string
  /** Kills the broker and removes its data. Idempotent. */
  stop(): Promise<void>
}

/** Why no Kafka can be started here, as a sentence for the name of what is skipped; null where it can. */
export function whyNotKafka(): string | null {
  if (spawnSync('java', ['-version']).status !== 0) return 'no Java: java -version does not run'
  if (existsSync(jarsFolder)) return null
  if (spawnSync('mvn', ['-v']).status !== 0) return 'no Maven: mvn -v does not run, and Kafka is not in the cache'
  return null
}

/**
 * The folder with Kafka's jars, fetched by Maven the first time (124 MB, from its own cache in seconds).
 * It appears at once and whole, so that two processes may do this at the same time.
 */
export async function kafkaJars(from: string = pom, folder: string = jarsFolder): Promise<string> {
  if (existsSync(folder)) return folder
  const partial = `${folder}.${process.pid}`
  await mkdir(dirname(folder), { recursive: true })
  try {
    const copy = ['-q', '-B', '-f', from, 'dependency:copy-dependencies', `-DoutputDirectory=${partial}`]
    await run('mvn', copy, { timeout: 300_000 })
    await rename(partial, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return folder
}

/** One broker that is also its controller, with every internal topic on one replica and nothing created unasked. */
function serverProperties(folder: string, port: number, controllerPort: number): string {
  return [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    `log.dirs=${join(folder, 'data')}`,
    'auto.create.topics.enable=false',
    'default.replication.factor=1',
    'group.initial.rebalance.delay.ms=0',
    'offsets.topic.num.partitions=2',
    'offsets.topic.replication.factor=1',
    'share.coordinator.state.topic.min.isr=1',
    'share.coordinator.state.topic.replication.factor=1',
    'transaction.state.log.min.isr=1',
    'transaction.state.log.num.partitions=2',
    'transaction.state.log.replication.factor=1',
    '',
  ].join('\n')
}

/** Becomes Java, with a watcher that kills it when our end of its standard input closes: so even a kill -9 of us does. */
const watched = 'exec 3<&0; (cat <&3 >/dev/null; kill -9 $$ 2>/dev/null) & exec java "$@" 3<&- </dev/null'

/**
 * Starts a broker on a free port with an empty log and returns when it accepts connections.
 * @param transactionVersion what its cluster agrees on (KIP-890); Kafka's own choice is 2
 */
export async function startRealKafka(transactionVersion: 1 | 2 = 2): Promise<RealKafka> {
  const why = whyNotKafka()
  if (why !== null) throw new Error(`cannot start Kafka: ${why}`)
  const classpath = `${await kafkaJars()}/*`
  const directory = await temporaryDirectory('kafka')
  let broker: ChildProcess | undefined
  const stop = async (): Promise<void> => {
    if (broker && broker.exitCode === null && broker.signalCode === null) {
      const exited = once(broker, 'exit')
      broker.kill('SIGKILL')
      await exited
    }
    broker?.stdin?.destroy()
    await directory.remove()
  }
  try {
    const [port, controllerPort] = (await freePorts(2)) as [number, number]
    const properties = join(directory.path, 'server.properties')
    await writeFile(properties, serverProperties(directory.path, port, controllerPort))
    const storage = ['-cp', classpath, 'kafka.tools.StorageTool', 'format', '-t', 'AAAAAAAAAAAAAAAAAAAAAQ']
    const feature = ['--feature', `transaction.version=${transactionVersion}`]
    await run('java', ['-XX:TieredStopAtLevel=1', ...storage, '-c', properties, ...feature])
    const log = await open(join(directory.path, 'kafka.log'), 'a')
    const server = ['-Xmx768m', '-XX:+UseSerialGC', '-cp', classpath, 'kafka.Kafka', properties]
    broker = spawn('sh', ['-c', watched, 'sh', ...server], { stdio: ['pipe', log.fd, log.fd] })
    await log.close()
    await untilListening(broker, port, join(directory.path, 'kafka.log'))
    return { brokers: `127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilListening(broker: ChildProcess, port: number, log: string): Promise<void> {
  const deadline = Date.now() + startTimeoutMs
  while (!(await accepts(port))) {
    const ended = broker.exitCode ?? broker.signalCode
    if (ended !== null || Date.now() > deadline) {
      const last = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-5).join('\n')
      throw new Error(
        `Kafka ${ended === null ? 'does not listen in time' : `ended with ${ended}`}; its log ends:\n${last}`,
      )
    }
    await sleep(100)
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.destroy(undefined) && answer(true))
    socket.once('error', () => answer(false))
  })
}
