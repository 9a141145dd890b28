import { describe, expect, it } from 'vitest'
import { checkAgreement } from '../../../src/checkpoint/commit-agreement.ts'

const shown = (...commits: readonly number[]) =>
  commits.map((commitId, n) => ({ topic: `app-store${n}-changelog`, partition: 2, commitId }))

describe('the changelogs of a task', () => {
  it('agree where all show the last commit', () => {
    expect(() => checkAgreement('1_2', shown(4, 4), 4)).not.toThrow()
    expect(() => checkAgreement('1_2', shown(5, 5), 4)).not.toThrow()
    expect(() => checkAgreement('1_2', shown(), 4)).not.toThrow()
    expect(() => checkAgreement('1_2', shown(0, 0), 0)).not.toThrow()
  })

  it('do not where one of them has lost the commit that another shows', () => {
    expect(() => checkAgreement('1_2', shown(4, 3), 3)).toThrow(
      expect.objectContaining({
        code: 'STATE_INCOMPLETE',
        message: expect.stringContaining('app-store1-changelog-2 shows commit 3'),
      }),
    )
  })

  it('do not where all are behind what the group has committed', () => {
    expect(() => checkAgreement('1_2', shown(3), 4)).toThrow(
      expect.objectContaining({ code: 'STATE_INCOMPLETE', message: expect.stringContaining('which has come to 4') }),
    )
  })
})
