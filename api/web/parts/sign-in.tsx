// Asks for a token when the server wants one; the token becomes a cookie that no script can read.
import { useEffect, useState } from 'preact/hooks'
import { signedOut, signIn } from '../client.ts'
import { ErrorLine } from './chips.tsx'

/** Whether the server has asked for a token. */
export function useSignedOut(): boolean {
  const [out, setOut] = useState(false)
  useEffect(() => {
    const update = (): void => setOut(true)
    addEventListener(signedOut, update)
    return () => removeEventListener(signedOut, update)
  }, [])
  return out
}

export function SignIn() {
  const [error, setError] = useState<string | null>(null)
  async function submit(event: Event): Promise<void> {
    event.preventDefault()
    const field = (event.target as HTMLFormElement).elements.namedItem('token') as HTMLInputElement
    try {
      await signIn(field.value.trim())
      location.reload()
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure))
    }
  }
  return (
    <main class="page sign-in">
      <h1>This server asks for a token</h1>
      <form onSubmit={(event) => void submit(event)}>
        <label>
          Token
          <input name="token" type="password" required autocomplete="current-password" spellcheck={false} />
        </label>
        <button type="submit" class="more">
          Sign in
        </button>
      </form>
      {error !== null && <ErrorLine text={error} />}
      <p class="faint">
        <code>descent token create NAME --scope write</code> makes one.
      </p>
    </main>
  )
}
