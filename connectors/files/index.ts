export type { FilePosition } from './file-position.ts'
export { type TextFilesOptions, textFiles } from './text-files.ts'
