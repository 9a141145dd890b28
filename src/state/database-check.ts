import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { systemCodeOf } from '../core/errors.ts'
import { readManifest } from './level-manifest.ts'
import { LogCheck } from './log-check.ts'
import { tableDamage } from './table-check.ts'

/** What a look at the files of a database has found. */
export interface DatabaseCheck {
  /** What is wrong, as the end of a sentence; null when nothing was found. */
  readonly damage: string | null
  /** LevelDB must not open it: it would take the directory for a new database and begin an empty one. */
  readonly isHeadless: boolean
  /** Table files beyond the limit, newest first, to be given to {@link tableFileDamage}. */
  readonly unchecked: readonly string[]
}

/** A file in the directory of a database that was found damaged, with what was found. */
const markName = 'DAMAGED'

const wholeAndSound: DatabaseCheck = { damage: null, isHeadless: false, unchecked: [] }

/**
 * Looks at the checksums of a database's files, which LevelDB itself does not do when it reads (X22): about a second a
 * gigabyte. Done before the database is opened: what opens it replays the logs and passes over what is bad in them, and
 * begins to compact, which gives the rows of a damaged block a good checksum in a new file. Only the files count that the
 * manifest names, since a crash leaves others, half written.
 *
 * Of a database that another process has open, what this finds means nothing.
 *
 * @param limitBytes of tables; logs are always looked at
 */
export async function checkDatabase(path: string, limitBytes: number): Promise<DatabaseCheck> {
  const names = new Set<string>(await readdir(path).catch(() => []))
  if (names.has(markName)) return { ...wholeAndSound, damage: (await readFile(`${path}/${markName}`, 'utf8')).trim() }
  const logs = numbered(names, /^(\d+)\.log$/)
  if (!names.has('CURRENT')) {
    // In a database that is being made, CURRENT comes before the first log, so this is never a directory on its way.
    const isHeadless = logs.length > 0 || numbered(names, /^(\d+)\.(?:ldb|sst)$/).length > 0
    return isHeadless ? { ...wholeAndSound, damage: 'its file CURRENT is missing', isHeadless } : wholeAndSound
  }
  const manifest = (await readFile(`${path}/CURRENT`, 'utf8').catch(() => '')).trim()
  // LevelDB itself says what is wrong with a CURRENT that names none.
  if (!names.has(manifest)) return wholeAndSound
  const live = readManifest((await readOrNull(`${path}/${manifest}`)) ?? Buffer.alloc(0))
  if (live === null) return { ...wholeAndSound, damage: `${manifest} is damaged` }

  const check = new LogCheck()
  const replayed = logs.filter(({ number }) => number >= live.firstLog)
  if (live.firstLog > 0 && replayed.length > 0 && replayed[0]?.number !== live.firstLog) {
    return { ...wholeAndSound, damage: `its log ${live.firstLog} is missing` }
  }
  for (const { name } of replayed) {
    const bytes = await readOrNull(`${path}/${name}`)
    const damage = bytes && check.add(name, bytes)
    if (damage) return { ...wholeAndSound, damage }
  }

  const tables = live.tables.map((table) => ({ ...table, name: nameOf(names, table.number) }))
  let left = limitBytes
  for (const [index, { name, bytes }] of tables.entries()) {
    if (left <= 0) return { ...wholeAndSound, unchecked: tables.slice(index).map((table) => table.name) }
    left -= bytes
    const damage = await tableFileDamage(path, name)
    if (damage !== null) return { ...wholeAndSound, damage }
  }
  return wholeAndSound
}

/**
 * Leaves a note of damage in the directory until it is moved away. Whatever opens the database may write what is damaged
 * anew, with good checksums, and the process may die before the directory is put aside.
 */
export async function markDamaged(path: string, damage: string): Promise<void> {
  await writeFile(`${path}/${markName}`, `${damage}\n`)
}

/** Takes the note back: somebody else has the database open, so nothing that was found means anything. */
export async function unmarkDamaged(path: string): Promise<void> {
  await rm(`${path}/${markName}`, { force: true })
}

/** @returns what is wrong with a table file, as the end of a sentence, or null; null, too, where it is not there any more */
export async function tableFileDamage(path: string, name: string): Promise<string | null> {
  const bytes = await readOrNull(`${path}/${name}`)
  const damage = bytes && tableDamage(bytes)
  return damage ? `${name}: ${damage}` : null
}

/** The content of a file; null where it was removed meanwhile. What is missing for good LevelDB finds itself. */
async function readOrNull(path: string): Promise<Buffer | null> {
  return readFile(path).catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw error
  })
}

/** Files of one kind, oldest first. */
function numbered(names: Iterable<string>, kind: RegExp): { readonly name: string; readonly number: number }[] {
  return [...names]
    .flatMap((name) => {
      const number = kind.exec(name)?.[1]
      return number === undefined ? [] : [{ name, number: Number(number) }]
    })
    .sort((a, b) => a.number - b.number)
}

/** LevelDB reads tables under an older ending, too. */
function nameOf(names: ReadonlySet<string>, number: number): string {
  const stem = String(number).padStart(6, '0')
  return names.has(`${stem}.ldb`) || !names.has(`${stem}.sst`) ? `${stem}.ldb` : `${stem}.sst`
}
