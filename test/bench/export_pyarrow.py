"""Writes the rows of a JSON-lines file with pyarrow: export_pyarrow.py ROWS OUT CODEC.

Prints the seconds, and the CPU seconds, from Python objects to the complete file; reading the rows is not counted.
"""

import json
import sys
import time

import pyarrow as pa
import pyarrow.parquet as parquet

source, target, codec = sys.argv[1:]
with open(source, encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
types = {
    "prompt": messages,
    "completion": messages,
    "rollout": pa.int32(),
    "turn": pa.int32(),
    "turns": pa.int32(),
    "forced": pa.bool_(),
    "reward": pa.float64(),
    "prompt_characters": pa.int64(),
    "scripted": pa.bool_(),
}
schema = pa.schema([(name, types.get(name, pa.string())) for name in rows[0]])
started, started_cpu = time.perf_counter(), time.process_time()
options = {"compression": codec, **({"compression_level": 3} if codec == "zstd" else {})}
with parquet.ParquetWriter(target, schema, **options) as writer:
    for start in range(0, len(rows), 4096):
        writer.write_table(pa.Table.from_pylist(rows[start : start + 4096], schema=schema))
print(time.perf_counter() - started, time.process_time() - started_cpu)
