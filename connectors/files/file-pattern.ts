import picomatch from 'picomatch'

/** One step of a pattern on its way down the folders. */
export type PatternSegment =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'some'; readonly matches: (name: string) => boolean }
  | { readonly kind: 'any-depth' }

/** A pattern without alternatives: from a folder down, segment by segment. */
export interface PatternPath {
  /** The folder to start from, by name alone: no file outside it can match. */
  readonly base: string
  /** From the base down to the file. */
  readonly segments: readonly PatternSegment[]
}

/** A path, or a glob over paths, as a user writes it. */
export interface FilePattern {
  readonly text: string
  readonly isGlob: boolean
  /** One for each of its alternatives in braces. */
  readonly paths: readonly PatternPath[]
  /** `node_modules` is only entered by patterns that name it. */
  readonly namesNodeModules: boolean
}

/** Splits at the commas outside braces and brackets; blanks around a pattern do not count. */
export function splitPatterns(list: string): string[] {
  const patterns: string[] = []
  let depth = 0
  let begin = 0
  for (let at = 0; at <= list.length; at++) {
    const char = list[at]
    if (char === '\\') at++
    else if (char === '{' || char === '(' || char === '[') depth++
    else if (char === '}' || char === ')' || char === ']') depth = Math.max(0, depth - 1)
    else if (char === undefined || (char === ',' && depth === 0)) {
      patterns.push(list.slice(begin, at).trim())
      begin = at + 1
    }
  }
  return patterns.filter((pattern) => pattern !== '')
}

/** Reads a pattern; relative ones start from `workingDirectory`. */
export function parsePattern(text: string, workingDirectory: string): FilePattern {
  const isGlob = isMagic(text)
  return {
    text,
    isGlob,
    paths: isGlob ? alternatives(text).map((path) => parsePath(path, workingDirectory)) : [],
    namesNodeModules: text.includes('node_modules'),
  }
}

function parsePath(path: string, workingDirectory: string): PatternPath {
  const names = path.split('/').filter((name, index) => name !== '' || index === 0)
  // An absolute path begins with an empty name.
  const isAbsolute = names[0] === ''
  if (isAbsolute) names.shift()
  const first = names.findIndex(isMagic)
  const fixed = first < 0 ? names.length - 1 : first
  const segments = names.slice(fixed).map(parseSegment)
  if (segments.at(-1)?.kind === 'any-depth') segments.push(parseSegment('*'))
  return { base: joinPath(isAbsolute ? '/' : workingDirectory, ...names.slice(0, fixed).map(plainName)), segments }
}

function parseSegment(name: string): PatternSegment {
  if (name === '**') return { kind: 'any-depth' }
  if (!isMagic(name)) return { kind: 'name', name: plainName(name) }
  // A leading dot is matched by a dot only, as in a shell.
  return { kind: 'some', matches: picomatch(name, { nonegate: true, dot: false }) }
}

function isMagic(text: string): boolean {
  return picomatch.scan(text, { nonegate: true }).isGlob
}

/** `a/{b,c/d}/e` gives `a/b/e` and `a/c/d/e`: alternatives may span folders, segments may not. */
function alternatives(pattern: string): string[] {
  const open = unescaped(pattern, '{', 0)
  if (open < 0) return [pattern]
  const parts: string[] = []
  let depth = 0
  let begin = open + 1
  for (let at = open; at < pattern.length; at++) {
    const char = pattern[at]
    if (char === '\\') at++
    else if (char === '{') depth++
    else if (char === ',' && depth === 1) {
      parts.push(pattern.slice(begin, at))
      begin = at + 1
    } else if (char === '}' && --depth === 0) {
      parts.push(pattern.slice(begin, at))
      const [head, tail] = [pattern.slice(0, open), pattern.slice(at + 1)]
      // Braces without a comma are a range such as {1..3}, or text: not ours to open.
      if (parts.length === 1) return alternatives(tail).map((rest) => `${pattern.slice(0, at + 1)}${rest}`)
      return parts.flatMap((part) => alternatives(`${head}${part}${tail}`))
    }
  }
  return [pattern]
}

/** A backslash takes the meaning from what follows it. */
function plainName(name: string): string {
  return name.replace(/\\(.)/g, '$1')
}

function unescaped(text: string, char: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === char) return at
  }
  return -1
}

/** Joins names to a path, without a second slash behind a root. */
export function joinPath(folder: string, ...names: readonly string[]): string {
  return names.reduce((path, name) => (path.endsWith('/') ? `${path}${name}` : `${path}/${name}`), folder)
}
