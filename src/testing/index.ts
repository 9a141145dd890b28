export { fasterClock, Instance } from './instance.ts'
export { type FileCall, type FileFault, MemoryFileSystem } from './memory-file-system.ts'
