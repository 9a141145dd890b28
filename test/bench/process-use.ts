import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** What a process and all that it started have used of the machine. */
export interface ProcessUse {
  /** User and system time of all of them, and of those that have ended and were waited for. */
  readonly processorSeconds: number
  /** The peak of each since the last reset, added up: 10^6 bytes. */
  readonly residentMb: number
}

/** Ticks of /proc/PID/stat a second: USER_HZ, which is 100 wherever Node runs on Linux. */
const ticksPerSecond = 100

/** What a line of `/proc/PID/stat` says: the parent, and the processor time of the process and its ended children. */
export function parseStat(line: string): { readonly parent: number; readonly processorSeconds: number } {
  // The name, in brackets, may hold blanks and brackets itself.
  const fields = line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const [, parent] = fields as [number, number]
  const ticks = fields.slice(11, 15).reduce((sum, one) => sum + one, 0)
  return { parent, processorSeconds: ticks / ticksPerSecond }
}

/** The peak resident size that `/proc/PID/status` says, 10^6 bytes; 0 for a process that has ended. */
export function parsePeak(status: string): number {
  return (Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024) / 1e6
}

/** A file of a process; empty when the process has gone. */
function look(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}

/** The process and all that descend from it, parents first. */
export function treeOf(pid: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? look(Number(name), 'stat') : ''
    if (stat === '') continue
    const { parent } = parseStat(stat)
    children.set(parent, [...(children.get(parent) ?? []), Number(name)])
  }
  const tree = [pid]
  for (const one of tree) tree.push(...(children.get(one) ?? []))
  return tree
}

/** What the tree of a process has used since each process of it began, and at most held since {@link resetPeak}. */
export function useOf(pid: number): ProcessUse {
  let processorSeconds = 0
  let residentMb = 0
  for (const one of treeOf(pid)) {
    const stat = look(one, 'stat')
    if (stat !== '') processorSeconds += parseStat(stat).processorSeconds
    residentMb += parsePeak(look(one, 'status'))
  }
  return { processorSeconds, residentMb }
}

/** Makes what the tree of a process holds now its peak. */
export function resetPeak(pid: number): void {
  for (const one of treeOf(pid)) writeFileSync(`/proc/${one}/clear_refs`, '5')
}
