/** Two columns under their names; numbers stand to the right. */
export function table(head: readonly [string, string], rows: readonly (readonly [string, string])[]): string {
  const all = [head, ...rows]
  const left = Math.max(...all.map(([key]) => [...key].length))
  const right = Math.max(...all.map(([, value]) => [...value].length))
  const numeric = rows.every(([, value]) => /^-?\d+(\.\d+)?$/.test(value))
  const line = ([key, value]: readonly [string, string]): string => {
    const padding = ' '.repeat(left - [...key].length)
    return `${key}${padding}  ${numeric ? value.padStart(right) : value}`.trimEnd()
  }
  return [line(head), `${'─'.repeat(left)}  ${'─'.repeat(right)}`, ...rows.map(line)].join('\n')
}
