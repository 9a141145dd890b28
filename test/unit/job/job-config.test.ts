import { describe, expect, it } from 'vitest'
import { hasCode } from '../../../src/core/errors.ts'
import { checkJobConfig, type JobConfig } from '../../../src/job/job-config.ts'
import { resolveJobConfig } from '../../../src/job/run.ts'

const check = (config: object): void => checkJobConfig(resolveJobConfig(config as JobConfig))

describe('the configuration of a job', () => {
  it('may leave everything out, and may be at its limits', () => {
    check({})
    check({ memoryBytes: 1, commitIntervalMs: 1, recordDeadlineMs: 1, brokerPatienceMs: 0, ingestAheadBytes: 1 })
    check({ commitShareMax: 1, commitMinIntervalMs: 0 })
  })

  it.each([
    { memoryBytes: Number.NaN },
    { memoryBytes: 0 },
    { memoryBytes: -1 },
    { memoryBytes: 1.5 },
    { memoryBytes: Number.POSITIVE_INFINITY },
    { memoryBytes: '64 MiB' },
    { memoryBytes: null },
    { commitIntervalMs: 0 },
    { commitIntervalMs: 2 ** 31 },
    { recordDeadlineMs: 2 ** 31 - 1 },
    { commitMinIntervalMs: -1 },
    { commitMinIntervalMs: 0.5 },
    { commitShareMax: 0 },
    { commitShareMax: 1.1 },
    { recordDeadlineMs: 0 },
    { ingestAheadBytes: -1 },
    { brokerPatienceMs: Number.NaN },
  ])('is refused by the name of the setting: %o', (config) => {
    const [name, found] = Object.entries(config)[0] as [string, unknown]
    expect(() => check(config)).toThrow(
      expect.toSatisfy(
        (error) =>
          hasCode(error, 'CONFIG_INVALID') && error.message.includes(name) && error.message.includes(String(found)),
      ),
    )
  })
})
