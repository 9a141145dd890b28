import { appendFile, realpath, symlink } from 'node:fs/promises'
import { nodeFileSystem } from '../../src/core/node-file-system.ts'
import { MemoryFileSystem } from '../../src/testing/memory-file-system.ts'
import { temporaryDirectory } from '../support/temp-dir.ts'
import { fileSystemContract } from './file-system-contract.ts'

fileSystemContract('on disk', async () => {
  const { path, remove } = await temporaryDirectory('files')
  return {
    files: nodeFileSystem,
    folder: await realpath(path),
    append: (file, text) => appendFile(file, text),
    link: (file, target) => symlink(target, file),
    end: remove,
  }
})

fileSystemContract('in memory', async () => {
  const files = new MemoryFileSystem('/home/here')
  return {
    files,
    folder: '/home/here',
    append: async (file, text) => files.append(file, text),
    link: async (file, target) => files.link(file, target),
    end: async () => {},
  }
})
