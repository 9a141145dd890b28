/** Files of every shape that the line reader tells apart, small enough to be read from every position. */
export const textCorpus: Readonly<Record<string, string>> = {
  'a/unix.txt': 'one\ntwo\n\nthree, and a longer line to go on with\n',
  'a/windows.txt': 'eins\r\nzwei\r\n\r\ndrei\r\n',
  'a/mixed.txt': 'a\r\nb\nc\rd\n\r\n\n',
  'a/no-end.txt': 'first\nlast without an end',
  'a/one-line.txt': 'alone',
  'a/empty.txt': '',
  'b/only-ends.txt': '\n\n\n',
  'b/unicode.txt': 'é ü ñ\n日本語\n🚣 row\n'.repeat(5),
  'b/deep/many.txt': Array.from({ length: 120 }, (_, n) => `line ${n} ${'x'.repeat(n % 90)}\n`).join(''),
}
