import { Analysis } from './analysis.ts'
import type { Case, CaseNode, Test } from './case.ts'
import { ImpossibleCase } from './impossible-case.ts'

/**
 * Judges a case: whether it can be run, and whether what it has to give is determined.
 *
 * @throws {ImpossibleCase}
 */
export function checkPossible(
  given: Pick<Case, 'nodes' | 'topics' | 'connectors'> & Partial<Pick<Case, 'script'>>,
): Analysis {
  const analysis = new Analysis(given)
  const refuse = (what: string): never => {
    throw new ImpossibleCase(what)
  }
  if (analysis.nodes.length === 0) refuse('a pipeline without nodes')
  if (given.script?.some(({ trickle }) => trickle !== undefined) && !mayTrickle(analysis)) {
    refuse('an order that depends on when records come')
  }
  const waiting = new Set<number>()
  for (const [place, node] of analysis.nodes.entries()) {
    const input = node.inputs[0] === undefined ? undefined : analysis.fact(node.inputs[0])
    const facts = analysis.fact(place)
    if (input !== undefined) {
      const isOfTable = node.kind === 'updates' || node.kind === 'topic-sink' || node.kind === 'connector-sink'
      if (input.isTable && !isOfTable) refuse(`a ${node.kind} of a table`)
      if (!input.isTable && node.kind === 'updates') refuse('updates of a stream')
      if (node.kind === 'merge' && node.inputs.some((one) => analysis.fact(one).isTable)) refuse('a merge of a table')
      if (input.isBlind && looksAtValues(node)) refuse(`a ${node.kind} looks at values that are not certain`)
      if ('throwsWhen' in node && node.throwsWhen !== undefined && !input.skips) refuse('an error that ends the job')
    }
    if (node.kind === 'aggregate' && analysis.groups[facts.group]?.isExact !== true) {
      if (['hash', 'list', 'last'].includes(node.fold) && node.operation !== 'count')
        refuse('a fold that needs an order')
      if (node.deletesWhen !== undefined) refuse('a delete that needs an order')
      if (node.operation === 'reduce' && node.throwsWhen !== undefined) refuse('a first value that needs an order')
    }
    if (node.kind === 'topic-sink' && node.value !== 'structured' && node.value !== input?.value) {
      refuse('a topic that cannot hold its values')
    }
    if (node.kind === 'pipe' && node.waits !== undefined) {
      if (waiting.has(facts.group)) refuse('two pipes that wait for each other')
      waiting.add(facts.group)
    }
    const source = analysis.sourceOf(place)
    if (source !== null && analysis.direct(place).length === 0 && analysis.connectorSinks(place).length === 0) {
      refuse('a source that nobody reads')
    }
  }
  return analysis
}

/**
 * Whether it makes no difference when records come: no task reads two topics of the outside, whose heads it compares, and
 * no split is read beside another, as all are by a job that follows them.
 */
export function mayTrickle({ groups }: Analysis): boolean {
  return groups.every(
    ({ inputs }) =>
      inputs.filter(({ role }) => role === 'external').length <= 1 && inputs.every(({ role }) => role !== 'ingest'),
  )
}

function looksAtValues(node: CaseNode): boolean {
  const tests: (Test | undefined)[] = []
  if ('throwsWhen' in node) tests.push(node.throwsWhen)
  if (node.kind === 'filter') tests.push(node.unless)
  if (node.kind === 'pipe') tests.push(node.waits?.when)
  if (node.kind === 'aggregate') tests.push(node.deletesWhen)
  if (node.kind === 'map' || node.kind === 'key-by') tests.push(node.to.nullWhen)
  if (tests.some((test) => test?.of === 'value')) return true
  if (node.kind === 'flat-map' || node.kind === 'pipe') return node.by === 'value'
  // A map of the value gives another value that is not certain; only a key must be.
  if (node.kind === 'key-by') return node.to.of === 'value'
  return node.kind === 'aggregate' && node.operation !== 'count'
}
