import { describe, expect, test } from 'vitest'
import { comparisonTable, markdown, median, medians, type Round, ratio } from '../../bench/results.ts'

const round = (figure: number, more: Partial<Round> = {}): Round => ({
  figure,
  processorSeconds: 1,
  residentMb: 200,
  fault: null,
  ...more,
})

describe('a median', () => {
  test('is the middle one by size, not by order', () => {
    expect(median([9, 100, 20])).toBe(20)
  })

  test('of an even number is the mean of the two in the middle', () => {
    expect(median([4, 1, 100, 2])).toBe(3)
  })

  test('of nothing is refused', () => {
    expect(() => median([])).toThrow('at least one')
  })
})

describe('rounds', () => {
  test('give the median of each figure by itself', () => {
    const rounds = [
      round(1, { processorSeconds: 30, residentMb: 100 }),
      round(2, { processorSeconds: 10, residentMb: 300 }),
      round(3, { processorSeconds: 20, residentMb: 200 }),
    ]
    expect(medians(rounds)).toEqual({ figure: 2, processorSeconds: 20, residentMb: 200, fault: null })
  })

  test('of which one is wrong are wrong', () => {
    expect(medians([round(1), round(2, { fault: '3 of 4 records' }), round(3)]).fault).toBe('3 of 4 records')
  })
})

describe('a ratio', () => {
  test('says how many times more is done in a second, and how many times sooner something is there', () => {
    expect(ratio(round(300), round(100), 'records/s')).toBe(3)
    expect(ratio(round(2), round(10), 's')).toBe(5)
  })

  test('is refused where the output of either side is wrong', () => {
    const wrong = round(100, { fault: 'not all' })
    expect(ratio(wrong, round(100), 'records/s')).toBeNull()
    expect(ratio(round(100), wrong, 'records/s')).toBeNull()
  })
})

describe('a row', () => {
  const comparison = { what: 'pass', unit: 'records/s', least: 2 } as const
  const cells = (own: readonly Round[], peer: readonly Round[] | null, least: number | null = 2) =>
    comparisonTable({ ...comparison, own, peer, least }).rows[0] ?? []

  test('has both sides, their ratio, and whether it holds', () => {
    const peer = round(500_000, { processorSeconds: 17.6, residentMb: 800 })
    expect(cells([round(1_250_000)], [peer])).toEqual([
      'pass',
      '1,250,000 records/s',
      '500,000 records/s',
      '2.50',
      '2 times',
      '1.0',
      '17.6',
      '200',
      '800',
      'yes',
    ])
  })

  test('does not hold below what is demanded, nor at 512 MB', () => {
    expect(cells([round(199)], [round(100)]).at(-1)).toBe('no')
    expect(cells([round(200, { residentMb: 511 })], [round(100)]).at(-1)).toBe('yes')
    expect(cells([round(200, { residentMb: 512 })], [round(100)]).at(-1)).toBe('no')
  })

  test('calls no ratio where an output is wrong, says what is wrong, and does not hold', () => {
    const row = cells([round(1000)], [round(1, { fault: '5 of 6 records' })])
    expect(row.slice(1, 4)).toEqual(['1,000 records/s', 'wrong: 5 of 6 records', ''])
    expect(row.at(-1)).toBe('no')
    expect(cells([round(1000, { fault: '7 of 6 records' })], [round(1)])[1]).toBe('wrong: 7 of 6 records')
  })

  test('without a peer is held to a figure', () => {
    expect(cells([round(7.5)], null, 7).slice(2, 5)).toEqual(['', '', '7 records/s'])
    expect(cells([round(7.5)], null, 7).at(-1)).toBe('yes')
    expect(cells([round(6.9)], null, 7).at(-1)).toBe('no')
    expect(cells([round(1)], null, null).at(-1)).toBe('yes')
  })
})

describe('tables in markdown', () => {
  test('stand together where they have one head', () => {
    const of = (head: string, cell: string) => ({ head: [head, 'figure'], rows: [[cell, '1']] })
    expect(markdown([of('speed', 'a'), of('memory', 'b'), of('speed', 'c')])).toBe(
      [
        '| speed | figure |',
        '|---|---|',
        '| a | 1 |',
        '| c | 1 |',
        '',
        '| memory | figure |',
        '|---|---|',
        '| b | 1 |',
        '',
      ].join('\n'),
    )
  })
})
