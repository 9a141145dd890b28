import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { textFiles } from '../../connectors/files/index.ts'
import { silentLogger } from '../../src/core/logger.ts'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { seededRandom } from '../../src/core/random.ts'
import { MemoryFileSystem } from '../../src/testing/memory-file-system.ts'
import { temporaryDirectory } from '../support/temp-dir.ts'
import { textCorpus } from '../support/text-corpus.ts'
import { sourceContract } from './source-contract.ts'

sourceContract('text files in memory', async () => inMemory(new MemoryFileSystem()))

sourceContract('text files in memory, with short reads', async () => {
  const files = new MemoryFileSystem()
  files.shortReads(seededRandom(11))
  return inMemory(files)
})

sourceContract('text files on disk', async () => {
  const { path: directory, remove } = await temporaryDirectory('source')
  for (const [name, text] of Object.entries(textCorpus)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text)
  }
  return {
    source: textFiles('texts', { files: `${directory}/**/*.txt` }),
    ports: { files: nodeFileSystem, logger: silentLogger, random: seededRandom(1) },
    end: remove,
  }
})

async function inMemory(files: MemoryFileSystem) {
  for (const [name, text] of Object.entries(textCorpus)) files.put(name, text)
  return {
    source: textFiles('texts', { files: '**/*.txt' }),
    ports: { files, logger: silentLogger, random: seededRandom(1) },
    open: () => files.openFiles,
    end: async () => {},
  }
}
