import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { exitCodes } from '../../src/cli/exit-code.ts'
import { errorCodes } from '../../src/core/errors.ts'

const readme = readFileSync('README.md', 'utf8')

describe('the README', () => {
  it('shows the pipeline as it is in its file', () => {
    expect(readme).toContain(readFileSync('pipelines/word-count.ts', 'utf8').trimEnd())
  })

  it('lists every error code once, in the order of the source, and no other', () => {
    const listed = [...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
    expect(listed).toEqual([...errorCodes])
  })

  it('names an exit code for every error code', () => {
    expect(Object.keys(exitCodes)).toEqual([...errorCodes])
  })

  it('gives the test command that CI runs', () => {
    expect(readme).toContain('npm ci && npm start\nnpm ci && npm test')
    expect(readFileSync('.ci/run', 'utf8')).toContain('npm test')
  })
})
