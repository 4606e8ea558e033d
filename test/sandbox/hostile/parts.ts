// What hostile cells have in common.
export const short = { cellSeconds: 0.3 }
export const raw = (body: string): string => `
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
${body}
`
/** Sends frames past the runner. */
export const forge = (body: string): string => `
import json, os, struct, time
def send(header, blob=b''):
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    os.write(3, struct.pack('>II', len(head), len(blob)) + head + blob)
call = {'call': 999, 'function': 'llm_query', 'batched': False, 'texts': [1]}
done = {'done': 'x', 'counts': [0, 0], 'error': False, 'final': False, 'variables': [], 'texts': []}
${body}
`
