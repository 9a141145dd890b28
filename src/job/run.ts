import { openFileStorage } from '../broker/storage/file-storage.ts'
import { unlessAborted } from '../core/abort.ts'
import { StreamError } from '../core/errors.ts'
import { silentLogger } from '../core/logger.ts'
import { nodeFileSystem } from '../core/node-file-system.ts'
import { nodeProcess } from '../core/process-port.ts'
import { runStep } from '../core/steps.ts'
import { systemClock } from '../core/system-clock.ts'
import { systemRandom } from '../core/system-random.ts'
import type { Pipeline } from '../dsl/pipeline.ts'
import { HandlerTransport } from '../kafka/handler-transport.ts'
import { KafkaClient } from '../kafka/kafka-client.ts'
import { KafkajsTransport } from '../kafka/kafkajs-transport.ts'
import { operatorTable } from '../operators/operator-table.ts'
import { levelBackends } from '../state/level-backend.ts'
import { checkName } from '../topology/naming.ts'
import { refuseInternalTopics } from '../topology/validate.ts'
import { openAppDirectory } from './app-directory.ts'
import { openEmbeddedBroker } from './embedded-broker.ts'
import type { Job } from './job.ts'
import { checkJobConfig, type JobConfig, type ResolvedJobConfig } from './job-config.ts'
import type { JobPorts } from './job-ports.ts'
import { RunningJob } from './running-job.ts'

/** Fills in the defaults. */
export function resolveJobConfig(config: JobConfig): ResolvedJobConfig {
  return {
    parameters: {},
    dataDirectory: '.millrace',
    follow: false,
    leave: false,
    freshStores: [],
    passOver: [],
    drain: false,
    commitIntervalMs: 100,
    commitMinIntervalMs: 10,
    commitShareMax: 0.1,
    recordDeadlineMs: 30_000,
    memoryBytes: 256 * 1024 * 1024,
    ingestAheadBytes: 64 * 1024 * 1024,
    brokerPatienceMs: 15_000,
    logger: silentLogger,
    ...config,
  }
}

/**
 * Runs a pipeline in this process: on the brokers of the configuration, or else on the embedded broker.
 *
 * Resolves when the job's topics are there and its thread runs; `job.done` tells how it ends.
 *
 * @throws {StreamError} what keeps a job from starting, each named with its remedy
 */
export async function run<Q>(pipeline: Pipeline<Q>, config: JobConfig = {}): Promise<Job<Q>> {
  const resolved = resolveJobConfig(config)
  const { logger } = resolved
  const pid = nodeProcess.pid
  const clock = systemClock
  const random = systemRandom
  const appId = resolved.appId ?? pipeline.name
  const connect = async () => {
    if (resolved.brokers) {
      const { brokers, ssl, sasl } = resolved
      return { transport: new KafkajsTransport({ brokers, clientId: appId, ssl, sasl }, clock, logger), broker: null }
    }
    const directory = `${await nodeFileSystem.resolve(resolved.dataDirectory)}/broker`
    const storage = await openFileStorage(directory, pid)
    const broker = await openEmbeddedBroker({ storage, clock, random, logger, listen: resolved.listen })
    return { transport: new HandlerTransport(broker.broker.connect, clock, appId), broker }
  }
  return startJob(pipeline, resolved, {
    clock,
    random,
    logger,
    files: nodeFileSystem,
    steps: runStep,
    backends: levelBackends({ pid }),
    pid,
    operators: operatorTable,
    connect,
  })
}

/** As {@link run}, over given ports. */
export async function startJob<Q>(pipeline: Pipeline<Q>, config: ResolvedJobConfig, ports: JobPorts): Promise<Job<Q>> {
  const appId = config.appId ?? pipeline.name
  checkName('the application id', appId)
  checkJobConfig(config)
  const plan = await pipeline.build(config.parameters)
  refuseInternalTopics(plan, appId)
  const { signal } = config
  const stopped = () => new StreamError('JOB_CLOSED', 'the job was stopped before it had started')
  if (signal?.aborted) throw stopped()
  const { dataDirectory, instanceId } = config
  const { clock, files, logger, random, pid, backends } = ports
  const directory = await openAppDirectory({ dataDirectory, appId, instanceId, files, logger, random, pid, backends })
  const cleanup: (() => Promise<void>)[] = [() => directory.release()]
  const close = async (): Promise<void> => {
    for (const step of cleanup.splice(0).reverse()) await step()
  }
  try {
    const { transport, broker } = await ports.connect()
    if (broker) cleanup.push(() => broker.close())
    const client = new KafkaClient({ transport, clock, random, logger })
    cleanup.push(() => client.close())
    // What a job begins with may take long. Nothing is lost when nobody waits for it any more, and closing ends it.
    const unlessStopped = <T>(work: Promise<T>): Promise<T> => (signal ? unlessAborted(work, signal, stopped) : work)
    await unlessStopped(client.open(config.brokerPatienceMs))
    const job = new RunningJob<Q>(plan, appId, directory, config, ports)
    await unlessStopped(job.prepare(client))
    if (signal?.aborted) throw stopped()
    job.start(broker, close)
    const stop = (): void => void job.stop()
    signal?.addEventListener('abort', stop, { once: true })
    job.done.finally(() => signal?.removeEventListener('abort', stop)).catch(() => undefined)
    return job
  } catch (error) {
    await close()
    throw error
  }
}
