import { describe, expect, it } from 'vitest'
import type { Case, NodeKind } from '../../random/case.ts'
import { checkPossible } from '../../random/checks.ts'
import { generateCase } from '../../random/generator.ts'
import { nodeTable } from '../../random/node-table.ts'
import { printCase } from '../../random/print.ts'
import { shrinkCase } from '../../random/shrink.ts'

const cases = Array.from({ length: 200 }, (_, seed) => generateCase(seed))
const has = ({ nodes }: Case, kind: NodeKind): boolean => nodes.some((node) => node.kind === kind)
const recordsOf = ({ topics, connectors }: Case): number =>
  [...Object.values(topics), ...Object.values(connectors)].reduce((sum, source) => {
    const all = 'records' in source ? source.records : Object.values(source.splits).flat()
    return sum + all.length
  }, 0)

describe('random cases', () => {
  it('are the same for the same seed', () => {
    for (const [seed, given] of cases.slice(0, 20).entries()) expect(generateCase(seed)).toEqual(given)
  })

  it('can be run, each of them', () => {
    for (const given of cases) expect(() => checkPossible(given)).not.toThrow()
  })

  it('have every kind of node', () => {
    for (const kind of Object.keys(nodeTable) as NodeKind[]) {
      expect(
        cases.some((given) => has(given, kind)),
        kind,
      ).toBe(true)
    }
  })
})

describe('a failing case', () => {
  it('shrinks to what it fails for', async () => {
    const isWrong = (given: Case): boolean => has(given, 'merge') && has(given, 'aggregate') && recordsOf(given) > 0
    const failing = cases.find((given) => isWrong(given) && given.nodes.length > 10) as Case
    const smaller = await shrinkCase(failing, async (one) => isWrong(one))
    expect(recordsOf(smaller)).toBe(1)
    expect(smaller.nodes.length).toBeLessThanOrEqual(5)
    expect(smaller.script).toEqual([{ lives: [{ directory: '/one', faults: [] }] }])
    checkPossible(smaller)
  })

  it('prints as the case that it is', () => {
    for (const given of cases.slice(0, 50)) {
      const printed = printCase(given, ['something is wrong'])
      const data = printed.slice(printed.indexOf('expectExact(') + 'expectExact('.length, printed.lastIndexOf('))'))
      expect(new Function(`return ${data}`)()).toEqual(given)
    }
  })
})
