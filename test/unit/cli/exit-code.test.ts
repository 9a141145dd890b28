import { describe, expect, it } from 'vitest'
import { exitCode, exitCodeOf, exitCodes } from '../../../src/cli/exit-code.ts'
import { errorCodes, StreamError } from '../../../src/core/errors.ts'

const codeOf = (code: (typeof errorCodes)[number]): number => exitCodeOf(new StreamError(code, 'as asked'))

describe('the exit code', () => {
  it('is there for every error code, and never that of success', () => {
    expect(Object.keys(exitCodes).sort()).toEqual([...errorCodes].sort())
    expect(Object.values(exitCodes).filter((code) => code === exitCode.ok)).toEqual([])
  })

  it('tells what starting again would change', () => {
    expect(codeOf('PARAMETER_INVALID')).toBe(2)
    expect(codeOf('DATA_DIRECTORY_LOCKED')).toBe(2)
    expect(codeOf('PLAN_CHANGED')).toBe(3)
    expect(codeOf('TOPIC_MISMATCH')).toBe(3)
    expect(codeOf('INSTANCE_FENCED')).toBe(4)
    expect(codeOf('BROKER_UNREACHABLE')).toBe(5)
    expect(codeOf('RECORD_PROCESSING')).toBe(1)
  })

  it('is that of a crash for whatever is no error of the engine', () => {
    for (const thrown of [new Error('x'), new TypeError('y'), 'text', null, undefined, { code: 'PLAN_CHANGED' }]) {
      expect(exitCodeOf(thrown)).toBe(exitCode.crash)
    }
  })

  it('knows an error of a second copy of the package by its shape', () => {
    const foreign = Object.assign(new Error('from elsewhere'), { name: 'StreamError', code: 'PLAN_CHANGED' })
    expect(exitCodeOf(foreign)).toBe(exitCode.incompatible)
  })

  it('is that of a crash for an error code that this version does not know', () => {
    const newer = Object.assign(new Error('from elsewhere'), { name: 'StreamError', code: 'NOT_YET_KNOWN' })
    expect(exitCodeOf(newer)).toBe(exitCode.crash)
  })

  it('is that of a crash for a code that only looks like one', () => {
    const foreign = Object.assign(new Error('from elsewhere'), { name: 'StreamError', code: 'toString' })
    expect(exitCodeOf(foreign)).toBe(exitCode.crash)
  })
})
