import type { MemoryDisk } from '../../src/state/memory-disk.ts'
import { decodeRow, userPrefix } from '../../src/state/row-format.ts'
import { appId } from './pipeline.ts'

/** A row of a store on disk, its value in hex. */
export interface DiskRow {
  readonly value: string
  readonly timestamp: number
}

/** Rows by store, partition, and key in hex. */
export type DiskStores = ReadonlyMap<string, ReadonlyMap<number, ReadonlyMap<string, DiskRow>>>

/** Reads what the stores of an application hold in a data directory that nobody has open. */
export async function readDisk(disk: MemoryDisk, directory: string, names: readonly string[]): Promise<DiskStores> {
  const prefix = `${directory}/${appId}/stores/`
  const stores = new Map<string, Map<number, Map<string, DiskRow>>>(names.map((store) => [store, new Map()]))
  for (const path of disk.paths.filter((one) => one.startsWith(prefix))) {
    const [store = '', partition = ''] = path.slice(prefix.length).split('/')
    const rows = new Map<string, DiskRow>()
    const backend = await disk.backends(1).open(path)
    for await (const [key, row] of backend.iterate()) {
      if (key[0] !== userPrefix) continue
      const { value, timestamp } = decodeRow(row, path)
      rows.set(Buffer.from(key.subarray(1)).toString('hex'), { value: Buffer.from(value).toString('hex'), timestamp })
    }
    await backend.close()
    stores.get(store)?.set(Number(partition), rows)
  }
  return stores
}
