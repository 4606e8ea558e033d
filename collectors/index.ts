// What `import … from 'descent/collectors'` gives: jobs, protocols, the sandbox.
export { planRun, runJob, type JobOptions, type ScoreTrajectory } from './job.ts'
export type { CollectEvent, Emit } from './events.ts'
export type { RunModels } from './rollout.ts'
export { createProtocol, type Protocol } from './protocols/index.ts'
export { openSandbox, probeSandbox, type SandboxOptions } from './sandbox/index.ts'
export { remoteLevel, type Connection, type RemoteCommand } from './sandbox/over-stream.ts'
