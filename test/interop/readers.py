"""Reads an export with the libraries that trainers use: readers.py RECIPE DIRECTORY CACHE SPLIT ...

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


def with_polars(directory, splits):
    import polars

    for split in splits:
        frame = polars.read_parquet(f"{directory}/data/{split}-*.parquet")
        report("polars", split, frame.to_dicts())


def with_pandas(directory, splits):
    import pandas

    for split in splits:
        files = sorted(glob.glob(f"{directory}/data/{split}-*.parquet"))
        frames = [pandas.read_parquet(file, dtype_backend="pyarrow") for file in files]
        rows = (row for frame in frames for row in frame.to_dict("records"))
        report("pandas", split, ({key: None if value is pandas.NA else value for key, value in row.items()} for row in rows))


def with_datasets(recipe, directory, cache, splits):
    import datasets

    loaded = datasets.load_dataset(directory, cache_dir=cache)
    check("load_dataset finds the splits of the card", sorted(loaded) == sorted(splits), sorted(loaded))
    for split in splits:
        report("datasets", split, iter(loaded[split]))
    streamed = datasets.load_dataset(directory, split="train", streaming=True)
    report("datasets (streaming)", "train", iter(streamed))
    trainer_columns(recipe, loaded["train"])


MESSAGES = "List({'role': Value('string'), 'content': Value('string')})"
TEXT = "Value('string')"
RULE = "'ground_truth': Value('string')}"

# What each trainer asks of its columns, as `datasets` names the types.
FEATURES = {
    "sft-turns": {"prompt": MESSAGES, "completion": MESSAGES},
    "sft-trajectories": {
        "messages": "List({'role': Value('string'), 'content': Value('string'), 'train': Value('bool')})"
    },
    "preference": {"prompt": MESSAGES, "chosen": MESSAGES, "rejected": MESSAGES},
    "kto": {"prompt": MESSAGES, "completion": MESSAGES, "label": "Value('bool')"},
    "rl-prompts": {
        "prompt": MESSAGES,
        "data_source": TEXT,
        "ability": TEXT,
        "reward_model": "{'style': Value('string'), " + RULE,
        "reward_spec": "{'method': Value('string'), " + RULE,
        "answer": TEXT,
    },
    "sft-tokens": {
        "input_ids": "List(Value('int32'))",
        "labels": "List(Value('int32'))",
        "attention_mask": "List(Value('int8'))",
        "loss_mask": "List(Value('int8'))",
        "token_source": TEXT,
    },
    "rl-rollouts": {
        "token_ids": "List(Value('int32'))",
        "mask": "List(Value('int8'))",
        "logprobs": "List(Value('float32'))",
        "advantages": "List(Value('float32'))",
    },
    "sharegpt": {"conversations": "List({'from': Value('string'), 'value': Value('string')})", "system": TEXT},
    "process": {"prompt": TEXT, "completions": "List(Value('string'))", "labels": "List(Value('bool'))"},
}


def trainer_columns(recipe, train):
    for column, wanted in FEATURES.get(recipe, {}).items():
        check(f"{column} is {wanted}", str(train.features[column]) == wanted, train.features[column])
    bad = [row for row in train if not ROWS.get(recipe, lambda row: True)(row)]
    check(f"each row is what the trainers of {recipe} take", not bad, f"{len(bad)} of {len(train)} are not")


def is_reply(messages):
    return [message["role"] for message in messages] == ["assistant"]


def is_prompt(messages):
    return len(messages) > 0 and messages[-1]["role"] == "user"


def is_verl(row):
    """As verl's RLHFDataset reads a row: dictionaries, not JSON."""
    index, split = row["extra_info"].get("index"), row["extra_info"].get("split")
    return is_prompt(row["prompt"]) and row["reward_model"]["style"] == "rule" and isinstance(index, int) and split == "train"


ROWS = {
    "sft-turns": lambda row: is_prompt(row["prompt"]) and is_reply(row["completion"]),
    "sft-trajectories": lambda row: row["messages"][-1]["role"] == "assistant"
    and all(message["role"] == "assistant" for message in row["messages"] if message["train"])
    and sum(message["train"] for message in row["messages"]) == row["trained_messages"] > 0,
    "preference": lambda row: is_prompt(row["prompt"])
    and is_reply(row["chosen"])
    and is_reply(row["rejected"])
    and row["chosen"] != row["rejected"]
    and row["margin"] > 0,
    "kto": lambda row: is_prompt(row["prompt"])
    and is_reply(row["completion"])
    and row["label"] == (row["reward"] >= row["threshold"]),
    "rl-prompts": is_verl,
    "sft-tokens": lambda row: len(row["input_ids"]) == len(row["labels"]) == len(row["loss_mask"]) == row["tokens"]
    and sum(row["loss_mask"]) == row["trained_tokens"] == sum(label != -100 for label in row["labels"]) > 0,
    "rl-rollouts": lambda row: len(row["token_ids"]) == len(row["mask"]) == len(row["logprobs"]) == row["tokens"]
    and sum(row["mask"]) == row["trained_tokens"] > 0
    and all(bit or not logprob for bit, logprob in zip(row["mask"], row["logprobs"])),
    "sharegpt": lambda row: [turn["from"] for turn in row["conversations"]]
    == ["human", "gpt"] * (len(row["conversations"]) // 2),
    "process": lambda row: len(row["completions"]) == len(row["labels"]) == len(row["observations"]) > 0,
}


if __name__ == "__main__":
    recipe_name, place, cache_place, *split_names = sys.argv[1:]
    with_pyarrow(place, split_names)
    with_duckdb(place, split_names)
    with_polars(place, split_names)
    with_pandas(place, split_names)
    with_datasets(recipe_name, place, cache_place, split_names)
