import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { MemoryStorage as BrokerDisk } from '../../src/broker/storage/memory-storage.ts'
import { hasCode } from '../../src/core/errors.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { seededRandom } from '../../src/core/random.ts'
import { pipeline } from '../../src/index.ts'
import { openEmbeddedBroker } from '../../src/job/embedded-broker.ts'
import type { JobPorts } from '../../src/job/job-ports.ts'
import { resolveJobConfig, startJob } from '../../src/job/run.ts'
import { HandlerTransport } from '../../src/kafka/handler-transport.ts'
import { simulatedStorage } from '../../src/testing/index.ts'
import { pendingTimers } from '../support/pending-timers.ts'
import { simulationSeed } from '../support/seed.ts'
import { World } from '../support/world.ts'

/**
 * Starts that are aborted at every moment, a millisecond apart, until the job has been running for a while: whatever was
 * under way then, the process holds no timer any more once the job says that it is over.
 */

const counting = pipeline('counting', ({ stream }) => {
  stream(textFiles('lines', { files: '/in/*.txt', partitions: 2 }))
    .keyBy('key', (line) => line)
    .count('counts')
})

/** A broker in the process of the job, as without `brokers`, on a disk that takes its time. */
function embedded(ports: JobPorts, world: World): JobPorts {
  const { clock } = ports
  const connect = async () => {
    const storage = simulatedStorage(world.simulation.actor('disk'), new BrokerDisk().open())
    const broker = await openEmbeddedBroker({ storage, clock, random: seededRandom(3), logger: silentLogger })
    return { transport: new HandlerTransport(broker.broker.connect, clock, 'counting'), broker }
  }
  return { ...ports, connect }
}

describe('a start that is aborted', () => {
  it.each([
    ['on a broker', true, (ports: JobPorts) => ports],
    ['on a broker that is not there', false, (ports: JobPorts) => ports],
    ['on the embedded broker', false, embedded],
  ] as const)('%s leaves no timer, whatever was under way', async (_where, isThere, on) => {
    const world = new World(simulationSeed(3))
    world.files.put('/in/a.txt', 'one\ntwo\n')
    if (isThere) await world.run(world.startBroker())
    const ends = new Map<string, number>()
    for (let afterMs = 0; afterMs <= 400; afterMs += afterMs < 120 ? 1 : 20) {
      const { ports } = world.instance()
      const pending = pendingTimers(ports.clock)
      const user = world.simulation.actor('user').clock
      const abort = new AbortController()
      const config = resolveJobConfig({ dataDirectory: `/data-${afterMs}`, follow: true, signal: abort.signal })
      const started = startJob(counting, { ...config, appId: `app-${afterMs}` }, on(ports, world))
      const ended = started
        .then((job) => job.done)
        .catch((error: unknown) => (hasCode(error, 'JOB_CLOSED') ? 'not started' : error))
      await world.run(user.sleep(afterMs))
      abort.abort()
      const abortedMs = user.monotonicMs()
      const end = String(await world.run(ended))
      expect(user.monotonicMs() - abortedMs, `after ${afterMs} ms`).toBeLessThan(1000)
      // What is closed may need a turn to see it.
      await world.run(user.sleep(1))
      expect([...pending], `after ${afterMs} ms`).toEqual([])
      ends.set(end, (ends.get(end) ?? 0) + 1)
    }
    expect([...ends.keys()].sort()).toEqual(isThere || on === embedded ? ['not started', 'stopped'] : ['not started'])
  })

  // With the start positions a transaction begins, which is aborted if the broker answers within some seconds.
  it.each([
    ['ApiVersions', 100],
    ['Metadata', 100],
    ['CreateTopics', 100],
    ['DescribeConfigs', 100],
    ['FindCoordinator', 100],
    ['JoinGroup', 100],
    ['SyncGroup', 100],
    ['InitProducerId', 100],
    ['OffsetFetch', 100],
    ['ListOffsets', 100],
    ['AddOffsetsToTxn', 3200],
    ['TxnOffsetCommit', 3200],
    ['EndTxn', 3200],
  ])('while %s is not answered ends within %s ms, and leaves no timer', async (request, mostMs) => {
    const world = new World(simulationSeed(3), request === 'AddOffsetsToTxn' ? 1 : 2)
    world.files.put('/in/a.txt', 'one\ntwo\n')
    await world.run(world.startBroker())
    const user = world.simulation.actor('user').clock
    const { ports } = world.instance([{ request, occurrence: 1, lateMs: 600_000 }])
    const pending = pendingTimers(ports.clock)
    const abort = new AbortController()
    const config = resolveJobConfig({ dataDirectory: '/data', follow: true, signal: abort.signal })
    const ended = startJob(counting, config, ports)
      .then((job) => job.done)
      .catch((error: unknown) => (hasCode(error, 'JOB_CLOSED') ? 'not started' : error))
    await world.run(user.sleep(5000))
    abort.abort()
    const abortedMs = user.monotonicMs()
    expect(await world.run(ended)).toMatch(/^(not started|stopped)$/)
    expect(user.monotonicMs() - abortedMs).toBeLessThan(mostMs)
    await world.run(user.sleep(1))
    expect([...pending]).toEqual([])
  })
})
