/**
 * Methods of Node's Buffer that its types leave out. They skip the argument checks of `toString` and `write`, which cost
 * more than the work itself on keys of ten bytes.
 */
interface Buffer {
  latin1Slice(start?: number, end?: number): string
  utf8Slice(start?: number, end?: number): string
  latin1Write(text: string, offset?: number, length?: number): number
  utf8Write(text: string, offset?: number, length?: number): number
}
