import { expect, test } from 'vitest'
import { parseOptions } from '../../bench/options.ts'

const names = ['pass', 'count', 'memory']

test('a run without options measures every scenario with 6 million records, three rounds and 60 MB', () => {
  expect(parseOptions([], names)).toEqual({ records: 6_000_000, rounds: 3, megabytes: 60, only: names, kafka: true })
})

test('options may be given in any order, and one scenario or several alone', () => {
  const args = ['--rounds', '1', '--only', 'count,pass', '--no-kafka', '--records', '200000', '--megabytes', '4']
  const found = { records: 200_000, rounds: 1, megabytes: 4, only: ['count', 'pass'], kafka: false }
  expect(parseOptions(args, names)).toEqual(found)
})

test('what is no scenario, no number or no option is refused, and what there is is named', () => {
  expect(() => parseOptions(['--only', 'pas'], names)).toThrow('no scenario pas; there are pass, count, memory')
  expect(() => parseOptions(['--only'], names)).toThrow('no scenario')
  for (const value of ['0', '-1', '1.5', '1e6', 'many']) {
    expect(() => parseOptions(['--rounds', value], names)).toThrow(`from 1, found '${value}'`)
  }
  expect(() => parseOptions(['--record', '5'], names)).toThrow('no option --record; there are')
  expect(() => parseOptions(['records', '5'], names)).toThrow('no option records')
})
