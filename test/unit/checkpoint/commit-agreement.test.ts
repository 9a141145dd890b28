import { describe, expect, it } from 'vitest'
import { findLost, type ShownStore, stateIncomplete } from '../../../src/checkpoint/commit-agreement.ts'
import type { BeginningRow } from '../../../src/checkpoint/control-rows.ts'
import type { PositionsRow } from '../../../src/checkpoint/positions-row.ts'

const row = (commitId: number, stores: readonly string[], inputs: readonly string[] = ['in-2']): PositionsRow => ({
  v: 1,
  commitId,
  plan: 1,
  stores,
  positions: Object.fromEntries(inputs.map((input) => [input, 10])),
  partitionTimes: {},
  topicIds: {},
})
const began = (commitId: number): BeginningRow => ({ v: 1, commitId, plan: 1, changelogOffset: 0 })

/** A store as it shows itself: with a commit it has a beginning, too. */
const shown = (store: string, of: PositionsRow | null, changes: Partial<ShownStore> = {}): ShownStore => ({
  topic: `app-${store}-changelog`,
  partition: 2,
  store,
  row: of,
  beginning: of && began(1),
  isFresh: false,
  ...changes,
})
const finding = (stores: readonly ShownStore[], committed: Readonly<Record<string, number>> = {}) => {
  const lost = findLost(stores, new Map(Object.entries(committed)))
  return lost && `${lost.shown.store} ${lost.finding}`
}

describe('the stores of a task', () => {
  it('have lost nothing where all show the last commit that they were in', () => {
    expect(finding([])).toBeNull()
    const both = ['a', 'b']
    expect(finding([shown('a', row(4, both)), shown('b', row(4, both))], { 'in-2': 4 })).toBeNull()
    expect(finding([shown('a', row(5, both)), shown('b', row(5, both))], { 'in-2': 4 })).toBeNull()
  })

  it('have where one of them lacks a commit that another shows both were in', () => {
    expect(finding([shown('a', row(4, ['a', 'b'])), shown('b', row(3, ['a', 'b']))])).toBe(
      'b shows commit 3, and the store a beside it shows commit 4',
    )
    expect(finding([shown('a', row(4, ['a', 'b'])), shown('b', null)])).toContain('b shows no commit')
  })

  it('have where one is behind what the group has committed of its inputs', () => {
    expect(finding([shown('a', row(3, ['a']))], { 'in-2': 4 })).toBe(
      'a shows commit 3, and in-2 has come to commit 4 without it',
    )
  })

  it('have where one shows less than it began with, or nothing at all', () => {
    expect(finding([shown('a', null, { beginning: began(7) })])).toBe(
      'a shows no commit, and its store began with commit 7',
    )
    expect(finding([shown('a', row(6, ['a']), { beginning: began(7) })])).toContain('a shows commit 6')
  })

  it('need not show a commit where one is new, however far the others are', () => {
    expect(finding([shown('a', row(9, ['a'])), shown('new', null)], { 'in-2': 9 })).toBeNull()
    expect(finding([shown('new', null)], { 'in-2': 9 })).toBeNull()
  })

  it('need not agree where they were never in a commit together: tasks that became one bring their own', () => {
    const stores = [shown('a', row(57, ['a'], ['x-2'])), shown('b', row(40, ['b'], ['y-2']))]
    expect(finding(stores, { 'x-2': 57, 'y-2': 40 })).toBeNull()
    expect(finding(stores, { 'x-2': 57, 'y-2': 41 })).toContain('b shows commit 40, and y-2 has come to commit 41')
  })

  it('need not agree with one that went to another task', () => {
    expect(finding([shown('a', row(57, ['a', 'gone']))], { 'in-2': 57 })).toBeNull()
  })

  it('lose nothing by beginning anew where the user says so', () => {
    expect(finding([shown('a', null, { beginning: began(7), isFresh: true })], { 'in-2': 9 })).toBeNull()
  })
})

describe('state that is incomplete', () => {
  it('names the changelog, what it lacks, and the ways on', () => {
    const at = { topic: 'app-a-changelog', partition: 2 }
    const error = stateIncomplete('in_2', at, 'shows no commit', 'a')
    expect(error).toMatchObject({ code: 'STATE_INCOMPLETE', context: { taskId: 'in_2', ...at } })
    expect(error.message).toMatch(/^the topic app-a-changelog-2 shows no commit: .*--fresh-store a.*--app-id/)
    expect(stateIncomplete('in_2', at, 'shows no commit').message).not.toContain('--fresh-store')
  })
})
