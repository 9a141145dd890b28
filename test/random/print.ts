import type { Case, CaseNode, CaseSource, NodeKind } from './case.ts'
import { nodeTable } from './node-table.ts'
import { serdeText } from './serdes.ts'

const widthMax = 118

/**
 * A case as a test in TypeScript: the pipeline as one would write it, to be read, and the case as data, to be run.
 *
 * @param wrongs what was not as it should be
 */
export function printCase(given: Case, wrongs: readonly string[]): string {
  return [
    ...pipelineLines(given).map((line) => `// ${line}`),
    ...wrongs.slice(0, 3).map((wrong) => `// ${wrong.split('\n')[0]}`),
    `it('is exact: seed ${given.seed}', () =>`,
    `  expectExact(${literal(given, '  ')}))`,
  ].join('\n')
}

function pipelineLines(given: Case): string[] {
  const lines: string[] = []
  for (const [name, source] of Object.entries(given.topics)) {
    lines.push(
      `const ${name} = topic('${name}', ${serdesOf(source)}) // ${partitionsOf(source)}, ${source.records.length} records`,
    )
  }
  for (const [name, source] of Object.entries(given.connectors)) {
    lines.push(
      `const ${name} = source('${name}', ${serdesOf(source)}) // ${partitionsOf(source)}, ${Object.keys(source.splits).length} splits`,
    )
  }
  for (const [place, node] of given.nodes.entries()) {
    const inputs = node.inputs.map((input) => `n${input}`)
    const left = node.kind.endsWith('-sink') ? '' : `const n${place} = `
    lines.push(`${left}${inputs[0] ?? ''}${call(node, inputs)}`)
  }
  return lines
}

function call<K extends NodeKind>(node: Extract<CaseNode, { kind: K }>, inputs: readonly string[]): string {
  return nodeTable[node.kind as K].print(node as never, inputs)
}

const serdesOf = ({ key, value, holdsNull }: CaseSource): string =>
  `{ key: ${key}, value: ${serdeText(value, holdsNull)} }`
const partitionsOf = ({ partitions, skips, extractsTime }: CaseSource): string =>
  `${partitions} partitions${skips ? ', errors are skipped' : ''}${extractsTime ? ', time is taken from values' : ''}`

/** Plain data as a literal, on one line where it fits. */
function literal(value: unknown, indent: string): string {
  const line = oneLine(value)
  if (line.length + indent.length <= widthMax || typeof value !== 'object' || value === null) return line
  const inner = `${indent}  `
  const parts = Array.isArray(value)
    ? value.map((one) => literal(one, inner))
    : Object.entries(value).map(([name, one]) => `${keyText(name)}: ${literal(one, inner)}`)
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}']
  return `${open}\n${parts.map((part) => `${inner}${part},\n`).join('')}${indent}${close}`
}

function oneLine(value: unknown): string {
  if (typeof value === 'string') return `'${value}'`
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`
  const parts = Object.entries(value).map(([name, one]) => `${keyText(name)}: ${oneLine(one)}`)
  return parts.length === 0 ? '{}' : `{ ${parts.join(', ')} }`
}

const keyText = (name: string): string => (/^[a-z]\w*$/i.test(name) ? name : `'${name}'`)
