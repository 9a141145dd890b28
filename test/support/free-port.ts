import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * TCP ports of the loopback interface that nobody listens on now. Asked for together they differ: each is held until
 * all are known. Another process may still take one before it is used, so the user of a port must notice a failure.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
  return ports
}

/** One port as {@link freePorts} gives them. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1)
  return port as number
}
