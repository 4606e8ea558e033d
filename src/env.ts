// The one file that reads the environment.

/** A variable named by a run file or by a person; empty counts as absent. */
export function environmentValue(name: string): string | undefined {
  return process.env[name] || undefined
}

export const environment = {
  /** A directory or a postgres:// URL. */
  store: environmentValue('DESCENT_STORE'),
  /** The Python interpreter to use in place of the one that is found. */
  python: environmentValue('DESCENT_PYTHON'),
  /** Forces one sandbox level: one of `isolationLevels`. */
  sandbox: environmentValue('DESCENT_SANDBOX'),
  /** At the sandbox level docker: the image, which has a python3, and the engine's runtime. */
  dockerImage: environmentValue('DESCENT_DOCKER_IMAGE'),
  dockerRuntime: environmentValue('DESCENT_DOCKER_RUNTIME'),
  logLevel: environmentValue('DESCENT_LOG') ?? 'warn',
}
