"""Writes rows with pyarrow: export_pyarrow.py ROWS OUT CODEC, of a JSON-lines file; with a fourth argument,
the length of each list, ROWS.ids, ROWS.mask and ROWS.logprobs are arrays of numbers.

Prints the seconds, and the CPU seconds, from Python objects to the complete file; reading the rows is not counted.
"""

import json
import sys
import time

import pyarrow as pa
import pyarrow.parquet as parquet

source, target, codec, *width = sys.argv[1:]
if width:
    import numpy as np

    size = int(width[0])
    arrays = {
        "token_ids": np.fromfile(f"{source}.ids", dtype=np.int32),
        "mask": np.fromfile(f"{source}.mask", dtype=np.int8),
        "logprobs": np.fromfile(f"{source}.logprobs", dtype=np.float32),
    }
    count = len(arrays["mask"]) // size
    started, started_cpu = time.perf_counter(), time.process_time()
    columns = {
        name: pa.ListArray.from_arrays(np.arange(0, (count + 1) * size, size, dtype=np.int32), pa.array(values))
        for name, values in arrays.items()
    }
    columns["reward"] = pa.array([(row % 100) / 100 for row in range(count)])
    columns["trajectory_id"] = pa.array([f"trajectory-{row >> 1}" for row in range(count)])
    columns["scripted"] = pa.array([False] * count)
    options = {"compression": codec, **({"compression_level": 3} if codec == "zstd" else {})}
    with parquet.ParquetWriter(target, pa.table(columns).schema, **options) as writer:
        writer.write_table(pa.table(columns), row_group_size=4096)
    print(time.perf_counter() - started, time.process_time() - started_cpu)
    sys.exit()
with open(source, encoding="utf-8") as lines:
    rows = [json.loads(line) for line in lines]
messages = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
types = {
    "prompt": messages,
    "completion": messages,
    "rollout": pa.int32(),
    "depth": pa.int32(),
    "turn": pa.int32(),
    "turns": pa.int32(),
    "forced": pa.bool_(),
    "compaction": pa.bool_(),
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
