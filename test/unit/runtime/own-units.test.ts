import { int64, type PipelineBuilder, pipeline, text, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { ownersOf } from '../../../src/runtime/own-units.ts'
import type { ProcessingSubTopology } from '../../../src/topology/plan.ts'

const left = topic('left', { key: text, value: text })
const right = topic('right', { key: text, value: text })
const counts = topic('counts', { key: text, value: int64 })

/** Owners in the first sub-topology of a pipeline, in order of their nodes. */
async function ownersIn(build: (builder: PipelineBuilder) => void): Promise<string[]> {
  const plan = await pipeline('app', (builder) => {
    build(builder)
  }).build()
  const owners = ownersOf(plan.subtopologies[0] as ProcessingSubTopology)
  return [...owners].map(([, { operator, policy }]) => `${operator}: ${policy}`)
}

describe('the owners of work that no record begins', () => {
  it('are called by kind and the name that the user gave, or by number', async () => {
    const owners = await ownersIn(({ stream }) => stream(left).count('words').to(counts))
    expect(owners).toEqual(['aggregate words: fail', 'topic-sink 2: fail'])
  })

  it('go by what the inputs say that lead to them, and fail where those disagree', async () => {
    const owners = await ownersIn(({ stream }) => {
      const lenient = stream(left, { onProcessError: 'skip' })
      lenient.count('lenient')
      const strict = stream(right)
      strict.count('strict')
      lenient.merge(strict).count('both').updates().map(String).count('behind')
    })
    expect(owners.filter((owner) => owner.startsWith('aggregate'))).toEqual([
      'aggregate lenient: skip',
      'aggregate strict: fail',
      'aggregate both: fail',
      'aggregate behind: fail',
    ])
  })
})
