import type { Case, CaseNode, SerdeName } from './case.ts'
import { ImpossibleCase } from './impossible-case.ts'

/** What is known of the records that leave a node, before anything runs. */
export interface Facts {
  readonly key: SerdeName | 'nothing'
  readonly value: SerdeName
  readonly isTable: boolean
  /** The serde of its values holds null: functions behind it are shown what has no value. */
  readonly holdsNull: boolean
  /** Its values, but for null, are objects that hold a number `n`. */
  readonly isObject: boolean
  /** Records on which a function throws are passed over, here and everywhere before. */
  readonly skips: boolean
  /** Its values depend on an order that nobody knows: only keys, and how many there are, are certain. */
  readonly isBlind: boolean
  /** The group it is in; -1 for a connector sink. */
  readonly group: number
}

/** What the facts of a node follow from. */
export interface Before {
  /** Of its inputs. */
  readonly inputs: readonly Facts[]
  readonly group: number
  /** Whether its task takes records in a certain order. */
  readonly isExact: boolean
  readonly given: Pick<Case, 'topics' | 'connectors'>
}

/**
 * What a node makes of what is known before it.
 *
 * @throws {ImpossibleCase} where it cannot stand there
 */
export function factsOf(node: CaseNode, { inputs, group, isExact, given }: Before): Facts {
  const [first] = inputs as [Facts]
  const skips = inputs.every((input) => input.skips)
  const isBlind = inputs.some((input) => input.isBlind)
  const through: Facts = { ...first, isTable: false, skips, isBlind, group }
  switch (node.kind) {
    case 'topic-source':
    case 'connector-source': {
      const source = node.kind === 'topic-source' ? given.topics[node.topic] : given.connectors[node.source]
      if (source === undefined) throw new ImpossibleCase('a source without records')
      const { key, value, holdsNull = false } = source
      return { key, value, holdsNull, isTable: false, isObject: false, skips: source.skips, isBlind: false, group }
    }
    case 'map': {
      const isObject = node.to.asObject === true
      return { ...through, value: 'structured', holdsNull: false, isObject, isBlind: isBlind && node.to.of === 'value' }
    }
    case 'flat-map':
    case 'pipe':
      return { ...through, value: 'structured', holdsNull: false, isObject: false }
    case 'key-by':
      return { ...through, key: node.key }
    case 'merge': {
      const [left, right] = inputs as [Facts, Facts]
      if (left.key !== right.key || node.inputs[0] === node.inputs[1]) throw new ImpossibleCase('keys that differ')
      const value = left.value === right.value ? left.value : 'structured'
      const holdsNull = left.holdsNull || right.holdsNull
      return { ...through, value, holdsNull, isObject: left.isObject && right.isObject }
    }
    case 'aggregate': {
      if (first.key === 'nothing') throw new ImpossibleCase('no key to group by')
      const value = node.operation === 'count' ? 'int64' : node.operation === 'reduce' ? first.value : 'structured'
      return { ...through, value, holdsNull: false, isTable: true, isObject: false, isBlind: !isExact }
    }
    case 'updates':
      return { ...through, holdsNull: true }
    case 'filter':
    case 'tap':
    case 'topic-sink':
    case 'connector-sink':
      return through
  }
}
