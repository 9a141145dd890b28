#!/usr/bin/env node
import { nodeProcess } from '../core/process-port.ts'
import { systemClock } from '../core/system-clock.ts'
import { TextOutput } from '../core/text-output.ts'
import { broker } from './broker.ts'
import { type CommandLine, parseCommandLine } from './command-line.ts'
import { describe } from './describe.ts'
import { exitCode, exitCodeOf } from './exit-code.ts'
import { packageVersion } from './package-root.ts'
import { errorText } from './report-error.ts'
import { type CommandContext, run } from './run.ts'
import { StopSignals } from './stop-signals.ts'

const isVerbose = process.env['MILLRACE_DEBUG'] === '1'

/** An end that nobody here has asked for: a pipeline file's own, or of an event loop that has nothing left. */
function endedEarly(): void {
  process.stderr.write(
    'error: the process ended before its work did: a pipeline file calls process.exit(), or awaits what never comes\n',
  )
  process.exitCode = exitCode.crash
}

function exit(code: number): never {
  process.off('exit', endedEarly)
  return nodeProcess.exit(code)
}

/** The one way out: with what went wrong, if anything did. */
function leave(error: unknown): never {
  process.stderr.write(`${errorText(error, isVerbose)}\n`)
  return exit(exitCodeOf(error))
}

async function execute(command: CommandLine): Promise<number> {
  const out = new TextOutput(process.stdout)
  out.use()
  const signals = new StopSignals(nodeProcess, systemClock, (why) => {
    process.stderr.write(`aborted ${why}; what was not committed is done again at the next start\n`)
    exit(exitCode.crash)
  })
  const context: CommandContext = { clock: systemClock, signals, out, err: process.stderr, isVerbose }
  switch (command.kind) {
    case 'text':
      if (command.exitCode === exitCode.ok) await out.write(`${command.text}\n`)
      else process.stderr.write(`${command.text}\n`)
      return command.exitCode
    case 'run':
      await run(command, context)
      return exitCode.ok
    case 'describe':
      await describe(command, context)
      return exitCode.ok
    case 'broker':
      await broker(command, context)
      return exitCode.ok
  }
}

process.on('exit', endedEarly)
process.on('uncaughtException', leave)
process.on('unhandledRejection', leave)
execute(parseCommandLine(process.argv.slice(2), process.env, packageVersion())).then(exit, leave)
