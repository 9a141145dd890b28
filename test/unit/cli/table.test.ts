import { describe, expect, it } from 'vitest'
import { table } from '../../../src/cli/table.ts'

const lines = (text: string): readonly string[] => text.split('\n')

describe('a table', () => {
  it('stands under its names, with numbers to the right', () => {
    expect(
      lines(
        table(
          ['key', 'value'],
          [
            ['stream', '12345'],
            ['a', '7'],
          ],
        ),
      ),
    ).toEqual(['key     value', '──────  ─────', 'stream  12345', 'a           7'])
  })

  it('is as wide as its widest cell, and its names move with the numbers', () => {
    const [head, rule] = lines(table(['key', 'value'], [['k', '1234567']]))
    expect(head).toBe('key    value')
    expect(rule).toBe('───  ───────')
  })

  it('takes signs and fractions for numbers', () => {
    const rows = lines(
      table(
        ['k', 'v'],
        [
          ['a', '-1.5'],
          ['b', '2'],
        ],
      ),
    )
    expect(rows.slice(2)).toEqual(['a  -1.5', 'b     2'])
  })

  it('leaves every value to the left as soon as one is no number', () => {
    const rows = lines(
      table(
        ['k', 'v'],
        [
          ['a', '1'],
          ['b', 'many'],
        ],
      ),
    )
    expect(rows.slice(2)).toEqual(['a  1', 'b  many'])
  })

  it('ends no line with spaces', () => {
    const all = lines(
      table(
        ['key', 'value'],
        [
          ['a', ''],
          ['long key', 'x'],
        ],
      ),
    )
    expect(all.filter((line) => line !== line.trimEnd())).toEqual([])
  })

  it('counts a character outside the first plane once', () => {
    const [, rule] = lines(table(['k', 'v'], [['😀😀', '1']]))
    expect(rule).toBe('──  ─')
  })

  it('is its head alone where there are no rows', () => {
    expect(lines(table(['key', 'value'], []))).toEqual(['key  value', '───  ─────'])
  })
})
