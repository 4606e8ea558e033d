"""The reference's REPLs under the same load as the sandbox; prints one line of JSON.

    reference_repl.py local|subprocess CONTEXT_FILE
"""
import json
import sys
import time

from rlm.clients.base_lm import BaseLM
from rlm.core.lm_handler import LMHandler
from rlm.core.types import ModelUsageSummary, UsageSummary

kind, context_file = sys.argv[1:]
STARTS, CELLS, CALLS = 3, 200, 300


class Echo(BaseLM):
    def __init__(self):
        super().__init__(model_name="echo")

    def completion(self, prompt):
        return "world"

    async def acompletion(self, prompt):
        return "world"

    def get_usage_summary(self):
        return UsageSummary(model_usage_summaries={})

    def get_last_usage(self):
        return ModelUsageSummary(total_calls=1, total_input_tokens=0, total_output_tokens=0)


def make(address, context=None):
    if kind == "local":
        from rlm.environments.local_repl import LocalREPL

        return LocalREPL(lm_handler_address=address, context_payload=context)
    from rlm.environments.ipython_repl import IPythonREPL

    return IPythonREPL(kernel_mode="subprocess", lm_handler_address=address, context_payload=context)


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


with LMHandler(Echo()) as handler:
    started = 0.0
    for _ in range(STARTS):
        took, repl = seconds(lambda: make(handler.address))
        started += took + seconds(lambda: repl.execute_code("x = 1"))[0]
        repl.cleanup()
    repl = make(handler.address)
    cells, _ = seconds(lambda: [repl.execute_code("x = 1") for _ in range(CELLS)])
    calls, result = seconds(lambda: repl.execute_code(f"for i in range({CALLS}): r = llm_query('hello')\nprint(r)"))
    assert "world" in result.stdout, result
    repl.cleanup()
    with open(context_file, encoding="utf-8") as file:
        context = file.read()
    loaded, repl = seconds(lambda: make(handler.address, context))
    result = repl.execute_code("print(len(context))")
    assert str(len(context)) in result.stdout, result
    repl.cleanup()
print(
    json.dumps(
        {
            "startMs": started / STARTS * 1000,
            "cellsPerSecond": CELLS / cells,
            "callsPerSecond": CALLS / calls,
            "contextMs": loaded * 1000,
        }
    )
)
