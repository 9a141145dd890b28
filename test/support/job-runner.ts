import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Pipeline } from '../../src/dsl/pipeline.ts'
import type { Job } from '../../src/job/job.ts'
import type { JobConfig } from '../../src/job/job-config.ts'
import { run } from '../../src/job/run.ts'

/** A folder that is gone after the test. */
export async function scratch(): Promise<{ readonly path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-job-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Writes files of lines. @returns a glob that matches them */
export async function writeTexts(folder: string, texts: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
  return join(folder, '*.txt')
}

/** What a store held when its job ended. */
export interface Ended {
  readonly entries: ReadonlyMap<unknown, unknown>
  readonly job: Job
}

/** Runs a pipeline to its bounded end and reads one of its stores before it closes. */
export async function runToEnd(pipeline: Pipeline, store: string | null, config: JobConfig): Promise<Ended> {
  const entries = new Map<unknown, unknown>()
  let job: Job | null = null
  job = await run(pipeline, {
    ...config,
    beforeClose: async () => {
      if (job === null || store === null) return
      for await (const [key, value] of job.storeNamed(store)) entries.set(key, value)
    },
  })
  await job.done
  return { entries, job }
}

/** The counts that word count must give for these texts. */
export function wordCounts(texts: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const text of texts) {
    for (const word of text.toLowerCase().match(/\p{L}+/gu) ?? []) {
      if (word.length > 1) counts.set(word, (counts.get(word) ?? 0) + 1)
    }
  }
  return counts
}
