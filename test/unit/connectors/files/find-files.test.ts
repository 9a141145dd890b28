import { beforeEach, describe, expect, it } from 'vitest'
import { findFiles } from '../../../../connectors/files/find-files.ts'
import { MemoryFileSystem } from '../../../../src/testing/memory-file-system.ts'

describe('finding files', () => {
  let files: MemoryFileSystem
  beforeEach(() => {
    files = new MemoryFileSystem('/work')
    for (const path of [
      'README.md',
      'notes.txt',
      'docs/guide.md',
      'docs/deep/er/more.md',
      'docs/.hidden/secret.md',
      'docs/.draft.md',
      '.github/workflow.md',
      'node_modules/left/README.md',
      'node_modules/left/node_modules/pad/README.md',
      'packages/one/node_modules/two/README.md',
      'packages/one/README.md',
      'odd/a[1].txt',
      'odd/a1.txt',
    ]) {
      files.put(path, path)
    }
  })
  const find = async (...patterns: string[]): Promise<string[]> =>
    (await findFiles(patterns, files, false)).map(({ path }) => path.replace('/work/', ''))

  it.each([
    ['README.md', ['README.md']],
    ['/work/README.md', ['README.md']],
    ['./docs/../README.md', ['README.md']],
    ['*.md', ['README.md']],
    ['docs/*.md', ['docs/guide.md']],
    ['docs/**/*.md', ['docs/deep/er/more.md', 'docs/guide.md']],
    ['docs/**', ['docs/deep/er/more.md', 'docs/guide.md']],
    ['**/*.md', ['README.md', 'docs/deep/er/more.md', 'docs/guide.md', 'packages/one/README.md']],
    ['**/er/**/*.md', ['docs/deep/er/more.md']],
    ['*/*/README.md', ['packages/one/README.md']],
    ['{docs,packages/one}/*.md', ['docs/guide.md', 'packages/one/README.md']],
    ['{README.md,notes.txt}', ['README.md', 'notes.txt']],
    ['n?tes.[t]xt', ['notes.txt']],
  ])('finds for %j what a shell would', async (pattern, expected) => {
    expect(await find(pattern)).toEqual(expected)
  })

  it('enters folders that begin with a dot only where the pattern names them', async () => {
    expect(await find('.github/**/*.md')).toEqual(['.github/workflow.md'])
    expect(await find('**/.hidden/*.md')).toEqual(['docs/.hidden/secret.md'])
    expect(await find('docs/.*.md')).toEqual(['docs/.draft.md'])
    expect(await find('**/.*/*.md')).toEqual(['.github/workflow.md', 'docs/.hidden/secret.md'])
  })

  it('enters node_modules only where the pattern names it', async () => {
    expect(await find('node_modules/**/*.md')).toEqual([
      'node_modules/left/README.md',
      'node_modules/left/node_modules/pad/README.md',
    ])
    expect(await find('packages/**/node_modules/*/*.md')).toEqual(['packages/one/node_modules/two/README.md'])
  })

  it('takes a name that is there literally, even one with brackets', async () => {
    expect(await find('odd/a[1].txt')).toEqual(['odd/a[1].txt'])
    await files.remove('odd/a[1].txt')
    expect(await find('odd/a[1].txt')).toEqual(['odd/a1.txt'])
  })

  it('finds a file once, however many patterns and links lead to it', async () => {
    files.link('link.md', 'docs/guide.md')
    files.link('also', '/work/docs')
    expect(await find('docs/*.md', '**/guide.md', 'link.md', 'also/*.md', 'docs/guide.md')).toEqual(['docs/guide.md'])
  })

  it('follows links to folders, and comes to an end where they lead in circles', async () => {
    files.put('/elsewhere/far.md', '')
    files.link('docs/away', '/elsewhere')
    files.link('docs/up', '/work/docs')
    files.link('/elsewhere/back', '/work')
    files.link('docs/self.md', 'self.md')
    files.link('docs/nowhere.md', 'gone.md')
    expect(await find('docs/**/*.md')).toEqual([
      '/elsewhere/far.md',
      'README.md',
      'docs/deep/er/more.md',
      'docs/guide.md',
      'packages/one/README.md',
    ])
    expect(await find('docs/up/up/*.md')).toEqual(['docs/guide.md'])
  })

  it('tells the size of each', async () => {
    expect(await findFiles(['notes.txt'], files, false)).toEqual([{ path: '/work/notes.txt', sizeBytes: 9 }])
  })

  it.each(['missing.txt', 'no/such/*.md', '**/*.pdf'])(
    'refuses %j, naming it, the working directory and a remedy',
    async (pattern) => {
      const error = await findFiles(['README.md', pattern], files, false).catch((error) => error)
      expect(error).toMatchObject({ code: 'FILE_NOT_FOUND', context: { path: pattern } })
      expect(error.message).toContain(pattern)
      expect(error.message).toContain('/work')
      expect(error.message).toMatch(/give the path/)
    },
  )

  it('finds nothing without complaint when told that this may be', async () => {
    expect(await findFiles(['**/*.pdf', 'missing.txt'], files, true)).toEqual([])
  })

  it('refuses a directory, with the glob that would read it', async () => {
    await expect(find('docs/')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('say docs/**/*'),
    })
  })

  it('does not count without a folder that it may not read', async () => {
    files.fail({ call: 'list', path: 'docs/deep', code: 'EACCES' })
    await expect(find('docs/**/*.md')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      context: { path: '/work/docs/deep' },
    })
    expect(await find('docs/*.md')).toEqual(['docs/guide.md'])
  })

  it('passes over a folder that goes while it is looked into', async () => {
    files.fail({ call: 'list', path: 'docs/deep', code: 'ENOENT' })
    expect(await find('docs/**/*.md')).toEqual(['docs/guide.md'])
  })
})
