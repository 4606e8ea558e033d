"""Rollouts of the collection benchmark with the reference implementation (`pip install rlms`), its logger
on. Prints one JSON line: rollouts, failures, seconds and processor seconds, imports left out."""
import json
import os
import resource
import sys
import threading
import time

from rlm import RLM
from rlm.logger import RLMLogger

orders = json.loads(sys.argv[1])
contexts = [open(path, encoding="utf-8").read() for path in orders["contexts"]]
lock = threading.Lock()
left = list(range(orders["count"]))
failures = []


def rollout(number):
    rlm = RLM(
        backend="openai",
        backend_kwargs={"model_name": "scripted", "base_url": orders["baseUrl"], "api_key": "none"},
        logger=RLMLogger(log_dir=orders["logs"], file_name=f"{os.getpid()}_{number}"),
    )
    result = rlm.completion(contexts[number % len(contexts)], root_prompt=orders["question"])
    if result.response != orders["answer"]:
        raise ValueError(f"the answer is {result.response!r:.80}")


def work():
    while True:
        with lock:
            if not left:
                return
            number = left.pop()
        try:
            rollout(number)
        except BaseException as error:
            failures.append(f"{type(error).__name__}: {error}")


def processor_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


started, used = time.perf_counter(), processor_seconds()
threads = [threading.Thread(target=work) for _ in range(orders["threads"])]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
seconds, cpu = time.perf_counter() - started, processor_seconds() - used
told = {"count": orders["count"], "failed": len(failures), "seconds": seconds, "cpu": cpu}
# With threads, `sys.stdout` may still be what a cell was given.
os.write(1, b"\n" + json.dumps(told).encode() + b"\n")
os._exit(0)
