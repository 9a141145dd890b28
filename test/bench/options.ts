/** What a run of the benchmark was asked for. */
export interface Options {
  /** Records of each scenario beside Kafka Streams. */
  readonly records: number
  /** Rounds that count; one more goes before them, uncounted. */
  readonly rounds: number
  /** Size of the texts whose words are counted. */
  readonly megabytes: number
  /** Names of scenarios. */
  readonly only: readonly string[]
  readonly kafka: boolean
}

const numbers = { records: 6_000_000, rounds: 3, megabytes: 60 }

/**
 * Reads `--records N`, `--rounds N`, `--megabytes N`, `--only NAME[,NAME]` and `--no-kafka`.
 *
 * @param args what stands behind the script
 * @param names the scenarios that there are
 * @throws for a word, a name or a number that is none, saying what may stand there
 */
export function parseOptions(args: readonly string[], names: readonly string[]): Options {
  const given: Record<string, number> = { ...numbers }
  let only = names
  let kafka = true
  for (let at = 0; at < args.length; at++) {
    const option = args[at]?.slice(2) ?? ''
    const value = args[at + 1] ?? ''
    if (args[at] === '--no-kafka') kafka = false
    else if (args[at] === '--only') {
      only = value.split(',')
      const unknown = only.find((name) => !names.includes(name))
      if (unknown !== undefined) throw new Error(`no scenario ${unknown}; there are ${names.join(', ')}`)
      at++
    } else if (args[at]?.startsWith('--') && option in numbers) {
      if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${option} takes a whole number from 1, found '${value}'`)
      given[option] = Number(value)
      at++
    } else {
      throw new Error(`no option ${args[at]}; there are --only, --no-kafka, --${Object.keys(numbers).join(', --')}`)
    }
  }
  return { ...(given as typeof numbers), only, kafka }
}
