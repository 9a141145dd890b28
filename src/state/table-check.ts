import { levelChecksum } from './level-checksum.ts'
import { Varints } from './level-varints.ts'
import { decodeSnappy } from './snappy.ts'

/** LevelDB's table format: blocks with trailers, an index of them, and a footer that names the index. */
const footerBytes = 48
const trailerBytes = 5
const magic = Buffer.from('57fb808b247547db', 'hex')
const snappyType = 1

interface Handle {
  readonly offset: number
  readonly size: number
}

/**
 * Checks every block of a table file by its checksum. LevelDB does not do so when it reads: of single flipped bits, two in
 * five gave a wrong value and one in five hid keys, without a word (X22).
 *
 * @param bytes the whole file
 * @returns what is wrong, as the end of a sentence; null when all of it is as it was written
 */
export function tableDamage(bytes: Buffer): string | null {
  if (bytes.length < footerBytes) return 'it ends before its footer'
  const footer = bytes.length - footerBytes
  if (!bytes.subarray(bytes.length - magic.length).equals(magic)) return 'its footer is not that of a table'
  const handles = new Varints(bytes, footer)
  const named = [readHandle(handles), readHandle(handles)]
  for (const [index, block] of named.entries()) {
    if (!isIntact(bytes, block, footer)) return `its ${index === 0 ? 'metaindex' : 'index'} is damaged`
  }
  // What the footer names is intact, so it can be followed: filters first, then the data.
  for (const block of named) {
    for (const handle of handlesIn(contentsOf(bytes, block))) {
      if (!isIntact(bytes, handle, footer)) return `its block at ${handle.offset} is damaged`
    }
  }
  return null
}

function isIntact(bytes: Buffer, { offset, size }: Handle, limit: number): boolean {
  const end = offset + size
  if (end + trailerBytes > limit) return false
  return bytes.readUInt32LE(end + 1) === levelChecksum(bytes, offset, end + 1)
}

function contentsOf(bytes: Buffer, { offset, size }: Handle): Buffer {
  const raw = bytes.subarray(offset, offset + size)
  return bytes[offset + size] === snappyType ? decodeSnappy(raw) : raw
}

/** The handles that an index holds as its values. */
function* handlesIn(block: Buffer): Iterable<Handle> {
  if (block.length < 4) return
  const end = block.length - 4 - 4 * block.readUInt32LE(block.length - 4)
  const entries = new Varints(block, 0)
  while (entries.at < end) {
    entries.next()
    const keyLength = entries.next()
    const valueLength = entries.next()
    entries.at += keyLength
    const value = new Varints(block, entries.at)
    yield readHandle(value)
    entries.at += valueLength
  }
}

function readHandle(values: Varints): Handle {
  return { offset: values.next(), size: values.next() }
}
