import { describe, expect, it } from 'vitest'
import { isInterleaved, isThinned } from '../../random/sequences.ts'

const same = (a: string, b: string): boolean => a === b

describe('an interleaving', () => {
  it('has every lane in its order, and nothing else', () => {
    const lanes = [[...'abc'], [...'xy']]
    expect(isInterleaved(lanes, [...'axbyc'], same)).toBe(true)
    expect(isInterleaved(lanes, [...'abcxy'], same)).toBe(true)
    expect(isInterleaved(lanes, [...'axcyb'], same)).toBe(false)
    expect(isInterleaved(lanes, [...'axby'], same)).toBe(false)
    expect(isInterleaved(lanes, [...'axbycc'], same)).toBe(false)
  })

  it('of one lane is the lane', () => {
    expect(isInterleaved([[...'aab']], [...'aab'], same)).toBe(true)
    expect(isInterleaved([[...'aab']], [...'aba'], same)).toBe(false)
  })

  it('is found where the same stands in several lanes', () => {
    expect(isInterleaved([[...'aab'], [...'aac']], [...'aaaacb'], same)).toBe(true)
    expect(isInterleaved([[...'aab'], [...'aac']], [...'aaacab'], same)).toBe(true)
    expect(isInterleaved([[...'aab'], [...'aac']], [...'acaaab'], same)).toBe(false)
  })
})

describe('a thinned sequence', () => {
  // Capitals are needed.
  const needed = (one: string): boolean => one === one.toUpperCase()

  it('leaves out what is not needed, and keeps the order', () => {
    expect(isThinned([[...'abCdE']], [...'bCE'], same, needed)).toBe(true)
    expect(isThinned([[...'abCdE']], [...'CE'], same, needed)).toBe(true)
    expect(isThinned([[...'abCdE']], [...'bE'], same, needed)).toBe(false)
    expect(isThinned([[...'abCdE']], [...'CbE'], same, needed)).toBe(false)
    expect(isThinned([[...'abC']], [...'Cd'], same, needed)).toBe(false)
  })

  it('may be of several lanes', () => {
    expect(isThinned([[...'aB'], [...'xY']], [...'YB'], same, needed)).toBe(true)
    expect(isThinned([[...'aB'], [...'xY']], [...'YxB'], same, needed)).toBe(false)
  })
})
