import { cell, jsonLine } from '../core/printed.ts'
import type { TextOutput } from '../core/text-output.ts'
import type { LocalStoreView } from '../job/store-view.ts'

/** Bytes of text gathered before they are written: a write a line would cost more than the line. */
const chunkChars = 64 * 1024

/** Prints all entries, a JSON object a line. Waits for its reader. */
export async function printJson(view: LocalStoreView<unknown, unknown>, output: TextOutput): Promise<void> {
  let text = ''
  for await (const [key, value] of view) {
    text += `${jsonLine(key, value)}\n`
    if (text.length < chunkChars) continue
    await output.write(text)
    text = ''
  }
  await output.write(text)
}

/**
 * The entries that come first: by value, greatest first, where values are numbers, else by key.
 *
 * Keeps no more than twice the rows asked for, whatever the size of the store.
 */
export async function topEntries(
  view: LocalStoreView<unknown, unknown>,
  top: number,
): Promise<{ readonly rows: readonly (readonly [string, string])[]; readonly total: number }> {
  let kept: (readonly [key: unknown, value: unknown])[] = []
  let total = 0
  for await (const entry of view) {
    total++
    kept.push(entry)
    if (kept.length >= 2 * top + 1000) kept = kept.sort(inOrder).slice(0, top)
  }
  const rows = kept.sort(inOrder).slice(0, top)
  return { rows: rows.map(([key, value]) => [cell(key), cell(value)] as const), total }
}

function inOrder(a: readonly [unknown, unknown], b: readonly [unknown, unknown]): number {
  const [left, right] = [a[1], b[1]]
  const areNumbers = isNumber(left) && isNumber(right)
  if (areNumbers && left !== right) return left < right ? 1 : -1
  const [first, second] = [cell(a[0]), cell(b[0])]
  return first < second ? -1 : first > second ? 1 : 0
}

const isNumber = (value: unknown): value is number | bigint => typeof value === 'number' || typeof value === 'bigint'
