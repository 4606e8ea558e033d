// What a cell finds and what stays of it, in the persistent namespace; host functions; what is printed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { jsonSchema } from '../../src/json.ts'
import { levels, limits, noBuiltins, setup, show, sleep, startSandbox, withFiles } from './helpers.ts'
import type { Rig, RigOptions, TestSandbox } from './helpers.ts'

describe.each(levels)('at level %s', (level) => {
  let sandbox: TestSandbox
  beforeAll(async () => {
    sandbox = await startSandbox({ level })
  })
  afterAll(async () => await sandbox.close())

  async function using(options: RigOptions, use: (rig: Rig) => Promise<void>): Promise<void> {
    const rig = await sandbox.open(options)
    await use(rig)
    await rig.close()
  }

  it('is an ordinary Python namespace by default', async () => {
    await using({ setup: { withoutBuiltins: noBuiltins } }, async ({ run }) => {
      await run('class A:\n    pass\nz = 1\n_hidden = 5\ndef f():\n    return z')
      await run('z = 2\nkept = 1\n1 / 0')
      const result = await run('print(f(), kept, frozenset({1}), A.__name__, _hidden)\ndel kept')
      expect(result).toMatchObject({ stdout: '2 1 frozenset({1}) A 5\n', error: null })
      expect((await run('kept')).error).toMatchObject({ type: 'NameError' })
      expect((await run('eval("1")')).error).toMatchObject({ type: 'TypeError' })
      expect((await run('1 + 1')).stdout).toBe('')
      const classes = 'import dataclasses, collections\n@dataclasses.dataclass\nclass P:\n    x: int\n'
      expect((await run(`${classes}print(P(1), collections.namedtuple("Q", "a")(2))`)).stdout).toBe(
        'P(x=1) Q(a=2)\n',
      )
    })
  })

  it('loses names of a failed cell only when strict', async () => {
    await using({ setup: { strict: true } }, async ({ run }) => {
      await run('kept = 1\n_hidden = 2')
      await run('lost = 1\nkept = 3\n1 / 0')
      expect((await run('print(kept)')).stdout).toBe('1\n')
      expect((await run('print(lost)')).error?.type).toBe('NameError')
      expect((await run('print(_hidden)')).error?.type).toBe('NameError')
      expect((await run('class A: pass')).error?.message).toContain('__build_class__')
      await run('del kept')
      expect((await run('print(kept)')).stdout).toBe('1\n')
    })
  })

  it('restores the scaffold before each cell, and context_0 sticks only when strict', async () => {
    await withFiles(
      [
        { text: 'one', format: 'text' },
        { text: '{"a": [1, 2]}', format: 'json' },
      ],
      async (contexts) => {
        for (const strict of [false, true]) {
          await using({ contexts, setup: { strict } }, async ({ run }) => {
            const first = await run(
              'context = 1\ncontext_0 = "mine"\nllm_query = 2\nSHOW_VARS = 3\nprint(context_1)',
            )
            expect(first.stdout).toBe("{'a': [1, 2]}\n")
            const second = await run('print(context, context_0, llm_query("q"), callable(SHOW_VARS))')
            expect(second.stdout).toBe(strict ? 'mine mine echo q True\n' : 'one one echo q True\n')
          })
        }
      },
    )
  })

  it('lists the variables, scaffold first', async () => {
    await withFiles([{ text: 'one', format: 'text' }], async (contexts) => {
      await using({ contexts }, async ({ run }) => {
        const code =
          'import math\nfrom collections import Counter\nb = 1\na = Counter()\ndef f(): pass\n_c = 1'
        const { variables } = await run(code)
        expect(variables.map(({ name, type, basic }) => `${name} ${type} ${basic}`)).toEqual([
          'answer Answer true',
          'context_0 str true',
          'context str true',
          'math module false',
          'Counter type false',
          'b int true',
          'a Counter true',
          'f function false',
        ])
        expect((await run('print(SHOW_VARS())')).stdout).toMatch(
          /^Available variables: \{'context_0': 'str', 'context': 'str', 'math': 'module', /,
        )
      })
    })
    await using({}, async ({ run }) => {
      expect((await run('print(SHOW_VARS())')).stdout).toBe(
        'No variables created yet. Use ```repl``` blocks to create variables.\n',
      )
    })
  })

  it.each([
    ['at that moment', 'answer["content"] = 1\nanswer["ready"] = 1\nanswer["content"] = 2', '1', '1'],
    ['the last of two', 'answer["ready"] = True\nanswer["content"] = "b"\nanswer["ready"] = True', 'b', 'b'],
    ['also when the cell then fails', 'answer["content"] = "x"\nanswer["ready"] = True\n1 / 0', 'x', 'x'],
    ['by update', 'answer.update(content="u", ready=True)', 'u', null],
    ['by |=', 'answer |= {"ready": True, "content": "o"}', 'o', null],
    ['by a new dict', 'answer = {"content": "r", "ready": True}', 'r', 'r'],
    ['not when it is no dict', 'answer = "r"', null, null],
    ['not when ready is false', 'answer["ready"] = 0', null, null],
  ])('takes an answer %s', async (_name, code, persistent, strict) => {
    for (const [isStrict, expected] of [
      [false, persistent],
      [true, strict],
    ] as const) {
      await using({ setup: { strict: isStrict } }, async ({ run }) => {
        expect((await run(code)).finalAnswer).toBe(expected)
        expect((await run('print(type(answer["ready"]).__name__)')).finalAnswer).toBeNull()
      })
    }
  })

  it('offers FINAL_VAR and no answer', async () => {
    await using({ setup: { answer: 'final' } }, async ({ run, session }) => {
      const missing = "Error: Variable 'x' not found. "
      const advice = 'BEFORE calling FINAL_VAR on it.\n'
      expect(await run('print(FINAL_VAR("x"))')).toMatchObject({
        stdout: `${missing}No variables have been created yet. You must create and assign a variable in a REPL block ${advice}`,
        finalAnswer: null,
      })
      expect((await run('y = [1]\nprint(FINAL_VAR("x"))')).stdout).toBe(
        `${missing}Available variables: ['y']. You must create and assign a variable ${advice}`,
      )
      expect(await run('print(FINAL_VAR(" \'y\' "))')).toMatchObject({ stdout: '[1]\n', finalAnswer: '[1]' })
      expect((await run('FINAL_VAR(7)')).finalAnswer).toBe('7')
      expect((await run('print(answer)')).error?.type).toBe('NameError')
      expect(await session.variable('y')).toBe('[1]')
      expect(await session.variable('FINAL_VAR')).toBeNull()
    })
  })

  it('shows the lines of the cell in tracebacks, and nothing of the runner', async () => {
    await using({}, async ({ run }) => {
      await run('def first(x):\n    return second(x)\n')
      const { error, stderr } = await run(
        'def second(x):\n    raise ValueError("no " + x)\ntry:\n    first("a")\nexcept ValueError as e:\n    raise KeyError("k") from e',
      )
      expect(stderr).toBe('')
      expect(error?.type).toBe('KeyError')
      expect(error?.traceback).toContain('File "<cell 1>", line 2, in first\n    return second(x)')
      expect(error?.traceback).toContain('raise ValueError("no " + x)')
      expect(error?.traceback).not.toContain('descent')
      const called = await run(
        'llm_query("x")',
        async () => await Promise.reject(new Error('the host says no')),
      )
      expect(called.error).toMatchObject({ type: 'RuntimeError', message: 'the host says no' })
      expect(called.error?.traceback).not.toContain('descent')
    })
  })

  it('passes arguments and answers both ways, whatever their characters', async () => {
    await using({}, async ({ run }) => {
      const seen: unknown[] = []
      const odd = '"a\\0b\\ud800\\U0001f600é"'
      const result = await run(
        `r = llm_query(${odd}, "m")\nprint(r == ${odd}, rlm_query_batched([${odd}, "", {"k": [1, None]}]))\nprint(${odd})`,
        async (call) => {
          seen.push(call)
          return call.name === 'llm_query' ? (call.args[0] ?? null) : ['x', '\udfff', '\0']
        },
      )
      const text = 'a\0b\ud800\u{1f600}é'
      expect(seen).toEqual([
        { order: 0, name: 'llm_query', args: [text, 'm'] },
        { order: 1, name: 'rlm_query_batched', args: [[text, '', { k: [1, null] }], null] },
      ])
      expect(result).toMatchObject({ stdout: `True ['x', '\\udfff', '\\x00']\n${text}\n`, error: null })
    })
  })

  it('answers threads concurrently', async () => {
    await using({}, async ({ run }) => {
      let most = 0
      let open = 0
      const code = `
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(32) as pool:
    print(list(pool.map(llm_query, [str(i) for i in range(32)])) == [f'<{i}>' for i in range(32)])`
      const result = await run(code, async (call) => {
        most = Math.max(most, (open += 1))
        await sleep(300)
        open -= 1
        return `<${show(call.args[0])}>`
      })
      expect(result.stdout).toBe('True\n')
      expect(most).toBe(32)
      // One after another they would take ten seconds; starting the threads is computing.
      expect(result.durationMs).toBeLessThan(3000)
      expect(result.computeMs).toBeLessThan(result.durationMs - 200)
    })
  })

  it('answers quickly, slowly and in turns, and stops a cell amid its calls', async () => {
    await using({ limits: { wallSeconds: 1, callsPerCell: 1_000_000 } }, async ({ run }) => {
      const code = 'n = 0\nwhile True:\n    assert llm_query(str(n)) == f"<{n}>", n\n    n += 1'
      const result = await run(code, async ({ order, args: [prompt] }) => {
        if (order % 50 === 0) await sleep(order % 20)
        return `<${show(prompt)}>`
      })
      expect(result.error?.type).toMatch(/^(KeyboardInterrupt|RuntimeError)$/)
      expect(result).toMatchObject({ death: null, limits: ['wall_time'] })
      expect((await run('print(n > 100, llm_query("next"))')).stdout).toBe('True echo next\n')
    })
  })

  it('takes arguments nested as deep as anyone would, and refuses what has no end', async () => {
    await using({}, async ({ run }) => {
      const nested = 'x = []\nfor _ in range(DEPTH): x = [x]\nprint(llm_query(x))'
      const taken = await run(nested.replace('DEPTH', '400'), async ({ args: [prompt] }) => {
        return `${JSON.stringify(prompt).length}`
      })
      expect(taken.stdout).toBe('802\n')
      const refused = await run(nested.replace('DEPTH', '600'))
      expect(refused.error).toMatchObject({ type: 'RuntimeError', message: 'the arguments are not valid' })
      const endless = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown
      expect(jsonSchema.safeParse(endless).success).toBe(false)
    })
  })

  it('answers a cell that has broken the builtins, and puts them back', async () => {
    await using({}, async ({ run }) => {
      const broken = await run(
        'import builtins\nbuiltins.isinstance = builtins.list = None\nx = llm_query("a")',
      )
      expect(broken.error).toBeNull()
      expect((await run('print(isinstance([], builtins.list), x)')).stdout).toBe('True echo a\n')
      const raised = await run('vars(builtins).clear()\n1 / 0')
      expect(raised.error).toMatchObject({ type: 'ZeroDivisionError', message: 'division by zero' })
      expect((await run('print(len([1]))')).stdout).toBe('1\n')
    })
  })

  it('keeps the head of the output and counts all of it', async () => {
    await using({ limits: { outputCharacters: 10 } }, async ({ run }) => {
      const code =
        'import sys\nprint("é\\U0001f600" * 50, end="")\nprint("y" * 4, file=sys.stderr, end="")\nsys.stdout.buffer.write(b"zz")'
      expect(await run(code)).toMatchObject({
        stdout: 'é\u{1f600}'.repeat(5),
        stdoutCharacters: 102,
        stderr: 'yyyy',
        stderrCharacters: 4,
      })
    })
  })

  it('loads contexts of 20 MB', async () => {
    const text = 'é\u{1f600}x\n'.repeat(2_500_000)
    const json = JSON.stringify(
      Array.from({ length: 400_000 }, (_, index) => ({ id: index, text: 'some words here' })),
    )
    await withFiles(
      [
        { text, format: 'text' },
        { text: json, format: 'json' },
      ],
      async (contexts) => {
        await using({ contexts }, async ({ run }) => {
          const result = await run(
            'print(len(context), context == "é\\U0001f600x\\n" * 2500000, context_1[-1]["id"])',
          )
          expect(result.stdout).toBe('10000000 True 399999\n')
        })
      },
    )
  })

  it('refuses a context that is not there, not a file or not what it says', async () => {
    const { sandbox: real } = sandbox
    const open = (path: string) =>
      real.open({ contexts: [{ path, format: 'json', bytes: 1 }], setup, limits })
    await expect(open('/nonexistent/context')).rejects.toThrow(/cannot be opened/)
    await expect(open('/tmp')).rejects.toThrow(/not a regular file/)
    await withFiles([{ text: 'no json', format: 'json' }], async ([file]) => {
      await expect(open(file?.path ?? '')).rejects.toThrow(/JSONDecodeError/)
    })
  })
})
