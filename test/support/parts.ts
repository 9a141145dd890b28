import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Options of a script whose work is divided over processes: how many there are, and which one this is, set by the parent. */
export const partOptions = {
  part: { type: 'string' },
  of: { type: 'string', default: String(availableParallelism()) },
} as const

/**
 * Divides the work of this script over processes that run it again, a part each; as many as there are processors, if nothing
 * else was asked for.
 * @param given the options as they were parsed
 * @param own the other arguments that each part needs
 * @param work does one part; what it comes to goes to the parent as JSON
 * @returns what the parts came to, in their order; null in the process of a part, which has said it by then
 */
export async function inParts<T>(
  given: { readonly part?: string | undefined; readonly of: string },
  own: readonly string[],
  work: (part: number, of: number) => Promise<T>,
): Promise<readonly T[] | null> {
  const of = Number(given.of)
  if (given.part !== undefined) {
    console.log(JSON.stringify(await work(Number(given.part), of)))
    return null
  }
  return Promise.all(
    Array.from({ length: of }, (_, part) => spawnPart<T>([...own, '--of', given.of, '--part', `${part}`])),
  )
}

function spawnPart<T>(args: readonly string[]): Promise<T> {
  const script = process.argv[1] as string
  const child = spawn(process.execPath, [...process.execArgv, script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (data: Buffer) => {
    said += data
  })
  return new Promise((resolve, reject) => {
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(said) as T)
      else reject(new Error(`a part (${args.join(' ')}) ended with ${code}`))
    })
  })
}
