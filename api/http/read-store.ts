// The store as the HTTP door sees it.
import type { Store } from '../../src/store/contract.ts'

export type ApiStore = Omit<Store, 'close' | 'lockRun'>
