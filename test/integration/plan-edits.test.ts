import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { textFiles } from '../../connectors/files/index.ts'
import { nothing, type Pipeline, type PipelineBuilder, pipeline, run, text, topic } from '../../src/index.ts'
import { scratch, writeTexts } from '../support/job-runner.ts'

const copies = topic('copies', { key: nothing, value: text, partitions: 1 })
const others = topic('others', { key: nothing, value: text, partitions: 1 })

/** What a run found, and how much of its state it had to read again. */
interface Run {
  readonly counts: ReadonlyMap<unknown, unknown>
  readonly restored: number
  readonly said: readonly string[]
}

async function runOnce(folder: string, build: (builder: PipelineBuilder, files: string) => void): Promise<Run> {
  const counts = new Map<unknown, unknown>()
  const said: string[] = []
  let restored = 0
  const keep = (message: string): void => void said.push(message)
  const job = await run(
    pipeline('edited', (builder) => {
      build(builder, join(folder, '*.txt'))
    }) as Pipeline,
    {
      dataDirectory: folder,
      logger: { debug: () => undefined, info: () => undefined, warn: keep, error: keep },
      beforeClose: async () => {
        for await (const [key, value] of job.storeNamed('counts')) counts.set(key, value)
      },
    },
  )
  job.metrics$.subscribe((metrics) => {
    restored = metrics.restored
  })
  await job.done
  return { counts, restored, said }
}

/** The store directories of the application, each a partition. */
async function storesIn(folder: string): Promise<readonly string[]> {
  const root = join(folder, 'edited', 'stores')
  const found = await Promise.all(
    (await readdir(root)).map(async (store) => (await readdir(join(root, store))).map((name) => `${store}/${name}`)),
  )
  return found.flat().sort()
}

const words = ({ stream }: PipelineBuilder, files: string) => stream(textFiles('files', { files, partitions: 2 }))

/** Edits of a pipeline that counts lines: each keeps what was counted, moves no directory and reads nothing again. */
const edits: Readonly<Record<string, (builder: PipelineBuilder, files: string) => void>> = {
  'another sink, said first': (builder, files) => {
    const lines = words(builder, files)
    lines.to(copies)
    lines.keyBy('line', (line) => line).count('counts')
  },
  'another source and its sub-topology, said first': (builder, files) => {
    builder
      .stream(textFiles('again', { files, partitions: 1 }))
      .map((line) => line)
      .to(others)
    words(builder, files)
      .keyBy('line', (line) => line)
      .count('counts')
  },
  'steps before the key is given': (builder, files) => {
    words(builder, files)
      .tap(() => undefined)
      .filter((line) => line !== '')
      .map((line) => line)
      .keyBy('line', (line) => line)
      .count('counts')
  },
}

describe('a pipeline that was edited goes on where it was', () => {
  for (const [name, edited] of Object.entries(edits)) {
    it(name, async () => {
      await using folder = await scratch()
      await writeTexts(folder.path, { 'a.txt': 'alpha\nbeta\nalpha\n' })
      const plain = (builder: PipelineBuilder, files: string): void => {
        words(builder, files)
          .keyBy('line', (line) => line)
          .count('counts')
      }
      await runOnce(folder.path, plain)
      const before = await storesIn(folder.path)
      await writeTexts(folder.path, { 'b.txt': 'alpha\ngamma\n' })
      const after = await runOnce(folder.path, edited)
      expect(after).toEqual({
        counts: new Map([
          ['alpha', 3],
          ['beta', 1],
          ['gamma', 1],
        ]),
        restored: 0,
        said: [],
      })
      expect(await storesIn(folder.path)).toEqual(before)
      // And back again.
      await writeTexts(folder.path, { 'c.txt': 'beta\n' })
      const back = await runOnce(folder.path, plain)
      expect([back.counts.get('beta'), back.restored, back.said]).toEqual([2, 0, []])
    })
  }
})
