import { execFile } from 'node:child_process'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { kafkaJars } from '../support/real-kafka.ts'

const execute = promisify(execFile)

const cache = resolve('node_modules/.cache/millrace-kafka/streams-4.1.1')

/** What Kafka Streams does with 2 threads, records a second. */
export interface PeerFigures {
  readonly pass: number
  readonly count: number
}

/** Compiles the Java program, loads the input, and runs both scenarios on the given Kafka. */
export async function runKafkaStreams(folder: string, brokers: string, records: number): Promise<PeerFigures> {
  const jars = join(await kafkaJars('test/bench/pom.xml', cache), '*')
  await execute('javac', ['-d', folder, '-cp', jars, 'test/bench/Peer.java'])
  const java = async (...args: string[]): Promise<number> => {
    const { stdout } = await execute('java', ['-Xmx2g', '-cp', `${jars}:${folder}`, 'Peer', brokers, ...args], {
      maxBuffer: 64 * 1024 * 1024,
    })
    return Number(/RESULT (\d+)/.exec(stdout)?.[1] ?? Number.NaN)
  }
  await java('load', String(records))
  return { pass: await java('pass', String(records)), count: await java('count', String(records)) }
}
