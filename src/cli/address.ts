import type { ListenAddress } from '../job/job-config.ts'

/**
 * Reads the address to listen on: `HOST:PORT`, `[IPV6]:PORT`, `:PORT` or `PORT`; without a host 127.0.0.1.
 * @returns null when it is none
 */
export function parseListenAddress(text: string): ListenAddress | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:]+)\]:|([^\s:[\]]*):)?(\d{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (digits === undefined || !isPort(port)) return null
  return { host: bracketed ?? (plain || '127.0.0.1'), port }
}

/**
 * Reads a list of Kafka brokers, `HOST:PORT` with commas between them.
 * @returns null when one of them is none, or there is none
 */
export function parseBrokers(text: string): readonly string[] | null {
  const brokers = text.split(',').map((broker) => broker.trim())
  const isFine = brokers.every((broker) => {
    const [, digits] = /^[^\s:,/]+:(\d{1,5})$/.exec(broker) ?? []
    return isPort(Number(digits))
  })
  return isFine ? brokers : null
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}
