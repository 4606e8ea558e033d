"""Reads an export with the libraries that trainers use: readers.py DIRECTORY CACHE SPLIT=ROWS ...

Prints one JSON line per check: {"reader", "split", "rows", "hash"} where the hash is over all values
in a canonical form (see canonical.ts), or {"check", "ok", "detail"}.
"""

import glob
import hashlib
import json
import struct
import sys
from datetime import datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def feed(hash, value):
    if value is None:
        hash.update(b"n")
    elif isinstance(value, bool):
        hash.update(b"t" if value else b"f")
    elif isinstance(value, (int, float)):
        hash.update(b"d" + struct.pack(">d", value))
    elif isinstance(value, datetime):
        instant = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
        hash.update(b"d" + struct.pack(">d", (instant - EPOCH) // timedelta(microseconds=1)))
    elif isinstance(value, str):
        data = value.encode("utf-8")
        hash.update(b"s%d:" % len(data) + data)
    elif isinstance(value, list):
        hash.update(b"[")
        for item in value:
            feed(hash, item)
        hash.update(b"]")
    elif isinstance(value, dict):
        hash.update(b"{")
        for key in sorted(value):
            feed(hash, key)
            feed(hash, value[key])
        hash.update(b"}")
    else:
        raise TypeError(f"no canonical form for {type(value)}")


def report(reader, split, rows):
    hash, count = hashlib.sha256(), 0
    for row in rows:
        feed(hash, row)
        count += 1
    print(json.dumps({"reader": reader, "split": split, "rows": count, "hash": hash.hexdigest()}), flush=True)


def check(name, ok, detail=""):
    print(json.dumps({"check": name, "ok": bool(ok), "detail": str(detail)}), flush=True)


def with_pyarrow(directory, splits):
    import pyarrow.parquet as parquet

    for split in splits:
        files = sorted(glob.glob(f"{directory}/data/{split}-*.parquet"))
        report("pyarrow", split, (row for file in files for row in parquet.read_table(file).to_pylist()))


def with_duckdb(directory, splits):
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET TimeZone='UTC'")
    for split in splits:
        cursor = connection.execute(f"SELECT * FROM '{directory}/data/{split}-*.parquet'")
        names = [column[0] for column in cursor.description]
        report("duckdb (Python)", split, (dict(zip(names, row)) for row in cursor.fetchall()))


def with_datasets(directory, cache, splits):
    import datasets

    loaded = datasets.load_dataset(directory, cache_dir=cache)
    check("load_dataset finds the splits of the card", sorted(loaded) == sorted(splits), sorted(loaded))
    for split in splits:
        report("datasets", split, iter(loaded[split]))
    streamed = datasets.load_dataset(directory, split="train", streaming=True)
    report("datasets (streaming)", "train", iter(streamed))
    if "completion" in loaded["train"].column_names:
        trainer_columns(loaded["train"])


def trainer_columns(train):
    """What TRL's SFTTrainer asks of a conversational prompt-completion dataset."""
    message = "List({'role': Value('string'), 'content': Value('string')})"
    for column in ("prompt", "completion"):
        check(f"{column} is {message}", str(train.features[column]) == message, train.features[column])
    for row in train:
        roles = [message["role"] for message in row["completion"]]
        if roles != ["assistant"] or not row["prompt"] or row["prompt"][-1]["role"] != "user":
            check("each prompt ends with user, each completion is one assistant message", False, row["turn"])
            return
    check("each prompt ends with user, each completion is one assistant message", True)


if __name__ == "__main__":
    place, cache_place, *split_names = sys.argv[1:]
    with_pyarrow(place, split_names)
    with_duckdb(place, split_names)
    with_datasets(place, cache_place, split_names)
