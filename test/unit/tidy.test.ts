import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { describe, expect, test } from 'vitest'
import {
  importsOf,
  nodesOf,
  placeOf,
  projectJson,
  runsAtLoad,
  type SourceFile,
  sourceFiles,
} from '../support/source-tree.ts'

/*
 * What holds for the source as a whole and no other tool says. Each test collects every breach with its place, so that
 * one run shows them all.
 */

const src = sourceFiles('src')
const connectors = sourceFiles('connectors')
const shipped = [...src, ...connectors, ...sourceFiles('pipelines')]
const tests = sourceFiles('test')

/** The files that may touch the world: the list that the linter has, so that there is one only. */
const portFiles: readonly string[] = (() => {
  const { overrides } = projectJson('biome.json') as { overrides: { includes: string[] }[] }
  return overrides.at(-1)?.includes ?? []
})()

const isPortFile = (path: string): boolean =>
  portFiles.some((pattern) =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replace('**', '.+').replace('*', '[^/]+')}$`).test(path),
  )

const isNamed = (node: ts.Node | undefined, ...names: readonly string[]): boolean =>
  node !== undefined && ts.isIdentifier(node) && names.includes(node.text)

describe('the source', () => {
  test('is there to be looked at', () => {
    expect(src.length).toBeGreaterThan(50)
    expect(tests.length).toBeGreaterThan(10)
  })

  test('has no file above 400 lines: then a second noun has moved in', () => {
    const long = shipped.map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    expect(long.filter(({ lines }) => lines > 400)).toEqual([])
  })

  test('has kebab-case names', () => {
    const odd = [...shipped, ...tests].filter(({ path }) => {
      const name = path.split('/').at(-1) ?? ''
      return !/^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.test-d)?\.ts$/.test(name)
    })
    expect(odd.map(({ path }) => path)).toEqual([])
  })

  test('has no drawer for what has no name (utils, helpers) and no Abstract, Impl or Manager', () => {
    const files = shipped.filter(({ path }) => /(^|\/)(utils?|helpers?|common|misc|types)(\.ts|\/)/.test(path))
    const classes = shipped.flatMap((file) =>
      [...nodesOf(file.tree)]
        .filter(ts.isClassDeclaration)
        .filter(({ name }) => /Abstract|Impl$|(?<!Task)Manager$|Utils?$|Helper$/.test(name?.text ?? ''))
        .map((node) => placeOf(file, node)),
    )
    expect([...files.map(({ path }) => path), ...classes]).toEqual([])
  })

  test('leaves nothing to be done later in a comment', () => {
    // Put together here, so that this file does not find itself.
    const words = new RegExp(`\\b(${['TO-DO', 'FIX-ME', 'X-XX'].join('|').replaceAll('-', '')})\\b`)
    const left = [...shipped, ...tests].flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) => (words.test(line) ? [`${path}:${index + 1}`] : [])),
    )
    expect(left).toEqual([])
  })

  test('cites rules and documents that are there', () => {
    const documents = ['README.md', 'ARCHITECTURE.md', ...readdirSync('docs').map((name) => `docs/${name}`)]
    const texts = new Map(documents.map((path) => [path, readFileSync(path, 'utf8')]))
    const rules = new Set(
      [...texts.values()].flatMap((text) => [...text.matchAll(/\*\*([ABDRX]\d{1,2})\b/g)].map(([, rule]) => rule)),
    )
    expect(rules.size).toBeGreaterThan(60)
    const commented = /\/\*\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm
    const saidIn = ({ path, text }: SourceFile) => ({
      path,
      said: [...text.matchAll(commented)].map(([comment]) => comment).join('\n'),
    })
    const all = [...shipped, ...tests].map(saidIn)
    const prose = [...texts].map(([path, said]) => ({ path, said }))
    const cited = (places: typeof prose, what: RegExp, isThere: (name: string) => boolean): string[] =>
      places.flatMap(({ path, said }) =>
        [...said.matchAll(what)].filter(([name]) => !isThere(name)).map(([name]) => `${path}: ${name}`),
      )
    const isDocument = (name: string): boolean => documents.some((one) => one === name || one === `docs/${name}`)
    const astray = [
      ...cited([...all, ...prose], /\b[ABDFRX]\d{1,2}\b/g, (rule) => rules.has(rule)),
      // Files of texts have names like these in tests.
      ...cited([...shipped.map(saidIn), ...prose], /\b[\w/-]+\.md\b/g, isDocument),
    ]
    expect(astray).toEqual([])
  })

  test('has no file that nothing imports, but entry points', () => {
    const entries = [/^src\/(index|cli\/main|connector\/index|testing\/index)\.ts$/, /^connectors\/[^/]+\/index\.ts$/]
    const imported = new Set([...shipped, ...tests].flatMap(importsOf))
    const unused = [...src, ...connectors].filter(
      ({ path }) => !imported.has(path) && !entries.some((entry) => entry.test(path)),
    )
    expect(unused.map(({ path }) => path)).toEqual([])
  })
})

describe('the ports', () => {
  test('are where the linter lets the world in', () => {
    const exact = portFiles.filter((pattern) => !pattern.includes('*'))
    const there = new Set(src.map(({ path }) => path))
    expect(exact.length).toBeGreaterThan(0)
    expect(exact.filter((path) => !there.has(path))).toEqual([])
  })

  /** What a node reaches for past the ports, or null. Imports and plain globals are the linter's part. */
  function reaches(node: ts.Node): string | null {
    if (ts.isPropertyAccessExpression(node)) {
      const { expression, name } = node
      if (isNamed(expression, 'Date') && name.text === 'now') return 'Date.now: take a Clock'
      if (isNamed(expression, 'Math') && name.text === 'random') return 'Math.random: take a Random'
      if (isNamed(expression, 'AbortSignal') && name.text === 'timeout') return 'AbortSignal.timeout: take a Clock'
      if (isNamed(expression, 'Atomics') && name.text.startsWith('wait')) return 'Atomics.wait: take a Clock'
    }
    if (ts.isNewExpression(node) && isNamed(node.expression, 'Date') && !node.arguments?.length) {
      return 'new Date(): take a Clock'
    }
    if (ts.isCallExpression(node)) {
      if (isNamed(node.expression, 'Date')) return 'Date(): take a Clock'
      if (isNamed(node.expression, 'structuredClone')) return 'structuredClone: copy by the serde (X6)'
    }
    if (isNamed(node, 'globalThis', 'global')) return 'globalThis: a way around the ports'
    return null
  }

  test('are the only ones that read a clock, draw a random number or set a timer', () => {
    const breaches = src
      .filter(({ path }) => !isPortFile(path))
      .flatMap((file) =>
        [...nodesOf(file.tree)].flatMap((node) => {
          const what = reaches(node)
          return what === null ? [] : [`${placeOf(file, node)} ${what}`]
        }),
      )
    expect(breaches).toEqual([])
  })
})

/** Collections, whose contents a program can change through a `const`. */
const collections = ['Map', 'Set', 'WeakMap', 'WeakSet', 'Array']

/** Classes whose instances hold no state worth the name. */
const inert = ['RegExp', 'TextEncoder', 'TextDecoder', 'URL', 'Error', 'DataView', 'ArrayBuffer', 'Proxy']

/** Methods that change what they are called on. */
const mutators = new Set('set add delete clear push pop shift unshift splice sort reverse fill copyWithin'.split(' '))

/** A declaration at the top level of a module. */
interface Variable {
  readonly name: string
  readonly exported: boolean
  readonly node: ts.VariableDeclaration
}

function topLevelConstants(file: SourceFile): Variable[] {
  return file.tree.statements.filter(ts.isVariableStatement).flatMap((statement) =>
    statement.declarationList.declarations.flatMap((node) =>
      ts.isIdentifier(node.name)
        ? [
            {
              name: node.name.text,
              exported: statement.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false,
              node,
            },
          ]
        : [],
    ),
  )
}

function isCollection(initializer: ts.Expression | undefined): boolean {
  if (!initializer) return false
  return (
    ts.isArrayLiteralExpression(initializer) ||
    ts.isObjectLiteralExpression(initializer) ||
    (ts.isNewExpression(initializer) && isNamed(initializer.expression, ...collections))
  )
}

const assignments = new Set([
  ts.SyntaxKind.EqualsToken,
  ts.SyntaxKind.PlusEqualsToken,
  ts.SyntaxKind.MinusEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
])

/** The name whose contents a node changes, or null. */
function changedBy(node: ts.Node): string | null {
  const owner = (target: ts.Expression): string | null =>
    (ts.isElementAccessExpression(target) || ts.isPropertyAccessExpression(target)) &&
    ts.isIdentifier(target.expression)
      ? target.expression.text
      : null
  if (ts.isBinaryExpression(node) && assignments.has(node.operatorToken.kind as never)) return owner(node.left)
  if (ts.isDeleteExpression(node)) return owner(node.expression)
  if (ts.isPostfixUnaryExpression(node) || ts.isPrefixUnaryExpression(node)) {
    const counts = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken
    return counts ? owner(node.operand) : null
  }
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    return mutators.has(node.expression.name.text) ? owner(node.expression) : null
  }
  return null
}

describe('a module', () => {
  // Several instances of the engine share one process (threads, simulation): what a module remembers, they share.
  test('has no variable and no mutable static at its top level', () => {
    const breaches = src.flatMap((file) => {
      const variables = file.tree.statements
        .filter(ts.isVariableStatement)
        .filter(({ declarationList }) => !(declarationList.flags & ts.NodeFlags.Const))
      const statics = [...nodesOf(file.tree)].filter(ts.isPropertyDeclaration).filter(({ modifiers = [] }) => {
        const kinds = [...modifiers].map(({ kind }) => kind)
        return kinds.includes(ts.SyntaxKind.StaticKeyword) && !kinds.includes(ts.SyntaxKind.ReadonlyKeyword)
      })
      return [...variables, ...statics].map((node) => placeOf(file, node))
    })
    expect(breaches).toEqual([])
  })

  test('holds no object with a life of its own', () => {
    const breaches = src
      .filter(({ path }) => !isPortFile(path))
      .flatMap((file) =>
        topLevelConstants(file)
          .filter(({ node: { initializer } }) => {
            if (!initializer || !ts.isNewExpression(initializer)) return false
            const known = [...collections, ...inert].some((name) => isNamed(initializer.expression, name))
            return !known && !/Array$/.test(initializer.expression.getText(file.tree))
          })
          .map(({ name, node }) => `${placeOf(file, node)} ${name}`),
      )
    expect(breaches).toEqual([])
  })

  test('does not change its collections once it is loaded, nor those of another', () => {
    const byPath = new Map(src.map((file) => [file.path, topLevelConstants(file)]))
    const breaches = src.flatMap((file) => {
      const own = topLevelConstants(file).filter(({ node }) => isCollection(node.initializer))
      const foreign = importsOf(file)
        .flatMap((path) => byPath.get(path) ?? [])
        .filter(({ exported, node }) => exported && isCollection(node.initializer))
      const names = new Set([...own, ...foreign].map(({ name }) => name))
      return [...nodesOf(file.tree)].flatMap((node) => {
        const changed = changedBy(node)
        const isBreach = changed !== null && names.has(changed) && !runsAtLoad(node)
        return isBreach ? [`${placeOf(file, node)} ${changed}`] : []
      })
    })
    expect(breaches).toEqual([])
  })
})

describe('an export', () => {
  test('says what it is in a doc comment', () => {
    const silent = src.flatMap((file) => {
      const documented = new Set<string>()
      return file.tree.statements.flatMap((statement) => {
        const isExported =
          ts.canHaveModifiers(statement) &&
          (ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false)
        if (!isExported) return []
        const name = ts.isVariableStatement(statement)
          ? (statement.declarationList.declarations[0]?.name.getText(file.tree) ?? '')
          : ((statement as ts.FunctionDeclaration).name?.text ?? 'default')
        // Of overloads the first one speaks for all.
        if (ts.getJSDocCommentsAndTags(statement).length > 0) documented.add(name)
        return documented.has(name) ? [] : [`${placeOf(file, statement)} ${name}`]
      })
    })
    expect(silent).toEqual([])
  })
})
