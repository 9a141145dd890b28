import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { scratch, wordCounts } from '../support/job-runner.ts'
import { OutputWatch } from '../support/output-watch.ts'
import { CommandProcess, corpus, entriesOf } from '../support/word-count-process.ts'

/** A session is 10 s, the coordinator looks every few; past this a silent member is out of its group. */
const pastSessionMs = 14_000

interface Stage {
  readonly start: (name: string) => CommandProcess
  /** Puts some more files there, each whole. */
  readonly feed: (files?: number) => Promise<void>
  /** Goes on putting files there until a process says something. */
  readonly feedUntil: (process: CommandProcess, says: RegExp) => Promise<void>
  /** What all files so far must give. */
  readonly expected: () => Map<string, number>
  readonly output: OutputWatch
}

/** Two processes of one application on the same brokers, and files that come while they run. */
async function onStage(brokers: string, title: string, play: (stage: Stage) => Promise<void>): Promise<void> {
  await using folder = await scratch()
  const app = `${title}-${process.pid}-${Date.now().toString(36)}`
  const { bodies } = corpus(60, 4000)
  const waiting = Object.entries(bodies)
  const fed: string[] = []
  const started: CommandProcess[] = []
  const feed = async (files = 1): Promise<void> => {
    for (const [name, body] of waiting.splice(0, files)) {
      await writeFile(join(folder.path, `${name}.part`), body)
      await rename(join(folder.path, `${name}.part`), join(folder.path, name))
      fed.push(body)
    }
  }
  const feedUntil = async (process: CommandProcess, says: RegExp): Promise<void> => {
    let hasSaid = false
    const said = process.says(says).then(() => {
      hasSaid = true
    })
    while (!hasSaid) {
      await feed()
      await Promise.race([said, sleep(500)])
    }
    expect(process.stderr).toMatch(says)
  }
  const start = (name: string): CommandProcess => {
    const process = new CommandProcess([
      'run',
      'pipelines/word-count.ts',
      ...['--brokers', brokers, '--data-dir', join(folder.path, name), '--app-id', app],
      ...['--set', `files=${folder.path}/*.txt`, '--set', `output=${app}`],
      ...['--show', 'word-counts', '--json', '--follow'],
    ])
    started.push(process)
    return process
  }
  const output = new OutputWatch(brokers, app)
  try {
    await play({ start, feed, feedUntil, expected: () => wordCounts(fed), output })
  } finally {
    await output.stop()
    for (const { child } of started) if (child.exitCode === null) child.kill('SIGKILL')
  }
}

/** What each of the processes says at its stop, together. */
async function stopped(...processes: readonly CommandProcess[]): Promise<Map<string, number>> {
  const all = new Map<string, number>()
  for (const { child } of processes) child.kill('SIGTERM')
  for (const process of processes) {
    const end = await process.end()
    expect(end, end.stderr).toMatchObject({ code: 0 })
    for (const [word, count] of entriesOf(end.stdout)) all.set(word, count)
  }
  return all
}

/** One process of two goes away in the middle of its work: for good, or to come back when nobody counts on it any more. */
export function takeoverSuite(title: string, brokers: () => string): void {
  // Both mostly wait for a session to end.
  describe.concurrent(`two processes on ${title}`, () => {
    it('change nothing visible when one is paused past its session, wakes up and joins again (X1)', async () => {
      await onStage(brokers(), 'zombie', async ({ start, feed, feedUntil, expected, output }) => {
        await feed(3)
        const zombie = start('zombie')
        await zombie.says(/^committed [1-9]/m)
        await output.start()
        const other = start('other')
        await feedUntil(other, /^committed [1-9]/m)
        await feed(5)
        zombie.child.kill('SIGSTOP')
        await feed(5)
        await sleep(pastSessionMs)
        await feed(5)
        await output.reached(expected())
        zombie.child.kill('SIGCONT')
        await feedUntil(zombie, /joining the group again/)
        await feed(5)
        await output.reached(expected())
        const counts = await stopped(zombie, other)
        expect(counts).toEqual(expected())
        expect(output.counts).toEqual(expected())
        expect(output.steppedBack).toEqual([])
      })
    })

    it('lose nothing when one is killed: the other frees its transaction before any timeout (X3)', async () => {
      await onStage(brokers(), 'takeover', async ({ start, feed, feedUntil, expected, output }) => {
        await feed(3)
        const lost = start('lost')
        await lost.says(/^committed [1-9]/m)
        await output.start()
        const other = start('other')
        await feedUntil(other, /^committed [1-9]/m)
        await feed(10)
        lost.child.kill('SIGKILL')
        const killedMs = Date.now()
        await feed(5)
        await output.reached(expected())
        // Its session ends after 10 s; its transactions would have timed out after 91.
        expect(Date.now() - killedMs).toBeLessThan(60_000)
        const counts = await stopped(other)
        expect(counts).toEqual(expected())
        expect(output.counts).toEqual(expected())
        expect(output.steppedBack).toEqual([])
      })
    })
  })
}
