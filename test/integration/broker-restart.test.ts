import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '../../src/core/random.ts'
import { freePort } from '../support/free-port.ts'
import { scratch, writeTexts } from '../support/job-runner.ts'
import { simulationSeed } from '../support/seed.ts'
import { CommandProcess, corpus, entriesOf } from '../support/word-count-process.ts'

const seed = simulationSeed(Date.now() % 2 ** 31)

describe('a job whose broker is killed and started again', () => {
  it(`goes on by itself, and its counts are exact (seed ${seed})`, async () => {
    await using folder = await scratch()
    const random = seededRandom(seed)
    const { bodies, counts } = corpus(4, 60_000)
    const files = await writeTexts(folder.path, bodies)
    const address = `127.0.0.1:${await freePort()}`
    const startBroker = async (): Promise<CommandProcess> => {
      const broker = new CommandProcess(['broker', '--data-dir', join(folder.path, 'broker'), '--listen', address])
      expect(await broker.says(new RegExp(address)), broker.stderr).toBe(true)
      return broker
    }
    let broker = await startBroker()
    const job = new CommandProcess([
      'run',
      'pipelines/word-count.ts',
      ...['--brokers', address, '--data-dir', join(folder.path, 'job')],
      ...['--set', `files=${files}`, '--show', 'word-counts', '--json'],
    ])
    const ended = job.end()
    let kills = 0
    for (; kills < 4; kills++) {
      const committed = job.stderr.length
      while (job.stderr.length === committed && job.child.exitCode === null) await job.hears()
      if (job.child.exitCode !== null) break
      await sleep(random.integer(150))
      broker.child.kill('SIGKILL')
      await broker.end()
      await sleep(random.integer(500))
      broker = await startBroker()
    }
    expect(kills, 'kills that met a running, committing job').toBe(4)
    const end = await ended
    broker.child.kill('SIGTERM')
    expect(end, end.stderr).toMatchObject({ code: 0 })
    expect(entriesOf(end.stdout)).toEqual(counts)
    expect((await broker.end()).code).toBe(0)
  })
})
