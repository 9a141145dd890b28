import { describe, expect, it } from 'vitest'
import { parsePattern, splitPatterns } from '../../../../connectors/files/file-pattern.ts'

describe('file pattern', () => {
  it.each([
    ['a.txt', ['a.txt']],
    [' a.txt , b/*.md,', ['a.txt', 'b/*.md']],
    ['a.{md,txt},b', ['a.{md,txt}', 'b']],
    ['{a,{b,c}}/x,y', ['{a,{b,c}}/x', 'y']],
    ['+(a,b),[,],c\\,d', ['+(a,b)', '[,]', 'c\\,d']],
    ['', []],
  ])('splits %j at the commas between patterns', (list, expected) => {
    expect(splitPatterns(list)).toEqual(expected)
  })

  it.each([
    ['docs/**/*.md', [['/home/docs', 'any-depth', 'some']]],
    ['/var/log/*.log', [['/var/log', 'some']]],
    ['/*.txt', [['/', 'some']]],
    ['**', [['/home', 'any-depth', 'some']]],
    ['a/*/b.txt', [['/home/a', 'some', 'name']]],
    ['a//./*', [['/home/a/.', 'some']]],
    [
      '{a,b/c}/*.md',
      [
        ['/home/a', 'some'],
        ['/home/b/c', 'some'],
      ],
    ],
    [
      'x.{md,txt}',
      [
        ['/home', 'name'],
        ['/home', 'name'],
      ],
    ],
    ['day-{1..3}.txt', [['/home', 'some']]],
    [
      '{a,{b,c}}?',
      [
        ['/home', 'some'],
        ['/home', 'some'],
        ['/home', 'some'],
      ],
    ],
  ])('walks %j from its static base, segment by segment', (text, expected) => {
    const { paths, isGlob } = parsePattern(text, '/home')
    expect(isGlob).toBe(true)
    expect(paths.map(({ base, segments }) => [base, ...segments.map(({ kind }) => kind)])).toEqual(expected)
  })

  it.each(['plain.txt', 'docs/read me.md', 'a-b_c.d', '../up.txt'])('takes %j for a path', (text) => {
    expect(parsePattern(text, '/home')).toMatchObject({ isGlob: false, paths: [] })
  })
})
