/** An entry as a line of JSON, without its end: `{"key":...,"value":...}`, what JSON has no form for as {@link plain} says. */
export function jsonLine(key: unknown, value: unknown): string {
  return JSON.stringify({ key: plain(key), value: plain(value) })
}

/**
 * A value as text in one line: texts as they are, all else as JSON. Control characters are written as escapes, so that
 * what is printed keeps to its line and cannot talk to the terminal.
 */
export function cell(value: unknown): string {
  return visible(typeof value === 'string' ? value : (JSON.stringify(plain(value)) ?? 'null'))
}

/** A text with its control characters written as escapes. */
export function visible(text: string): string {
  return text.replace(controls, escaped)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u001f\u007f-\u009f]/g

function escaped(char: string): string {
  if (char === '\n') return '\\n'
  if (char === '\r') return '\\r'
  if (char === '\t') return '\\t'
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/**
 * The nearest that JSON has: whole numbers of any size as numbers where they are safe, else as text; bytes as base64;
 * maps as lists of pairs, sets as lists, NaN and the infinities as text, undefined as null.
 */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (value === undefined || value === null) return null
  if (typeof value !== 'object') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (value instanceof Map) return [...value].map(([key, entry]) => [plain(key), plain(entry)])
  if (value instanceof Set || Array.isArray(value)) return Array.from(value, plain)
  if ('toJSON' in value && typeof value.toJSON === 'function') return value
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, plain(entry)]))
}
