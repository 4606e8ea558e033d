"""Reads the formats of others with their own packages: documents.py FORMAT DIRECTORY.

Prints {"check", "ok", "detail"} lines.
"""

import glob
import json
import sys


def check(name, ok, detail=""):
    print(json.dumps({"check": name, "ok": bool(ok), "detail": str(detail)[:300]}), flush=True)


def lines(directory):
    for path in sorted(glob.glob(f"{directory}/data/*.jsonl")):
        with open(path, encoding="utf-8") as file:
            yield from file


def attempt(read, line, problems):
    try:
        return read(line)
    except Exception as error:
        problems.append(f"{type(error).__name__}: {error}")
        return None


def atif(directory):
    from atif import Trajectory

    problems, count, calls, unresolved, children = [], 0, 0, 0, 0
    for line in lines(directory):
        count += 1
        found = attempt(lambda text: Trajectory.model_validate(json.loads(text)), line, problems)
        if found is None:
            continue
        check_steps = [found, *(found.subagent_trajectories or [])]
        known = {child.trajectory_id for child in found.subagent_trajectories or []}
        children += len(known)
        for trajectory in check_steps[:1]:
            for step in trajectory.steps:
                calls += len(step.tool_calls or [])
                for result in step.observation.results if step.observation else []:
                    for reference in result.subagent_trajectory_ref or []:
                        unresolved += reference.trajectory_id not in known
    check("atif validates every document", count > 0 and not problems, f"{count} documents, {problems[:1]}")
    check("atif: cells are tool calls", calls > 0, calls)
    check("atif: every reference to a sub-call resolves", children > 0 and not unresolved, f"{children} sub-calls, {unresolved} unresolved")


def verifiers(directory):
    from verifiers.v1 import WireEpisode

    problems, count, wrong, sampled, tokens = [], 0, [], 0, 0
    for line in lines(directory):
        count += 1
        episode = attempt(WireEpisode.model_validate_json, line, problems)
        if episode is None:
            continue
        for trace in episode.traces:
            for branch in trace.branches:
                sampled += sum(node.sampled for node in branch.nodes)
                tokens += sum(branch.sampled_mask)
                if len(branch.token_ids) != len(branch.sampled_mask) != len(branch.logprobs):
                    wrong.append(episode.id)
    check("verifiers reads every episode", count > 0 and not problems, f"{count} episodes, {problems[:1]}")
    check("verifiers: branches with sampled messages and tokens", sampled > 0 and tokens > 0 and not wrong, f"{sampled} messages, {tokens} tokens, {wrong[:1]}")


def scout(directory):
    import asyncio

    from inspect_scout import TranscriptContent, transcripts_from

    async def read():
        async with transcripts_from(f"{directory}/data").reader() as reader:
            found = []
            async for info in reader.index():
                found.append(await reader.read(info, TranscriptContent(messages="all", events="all")))
            return found

    found = asyncio.run(read())
    messages = sum(len(one.messages) for one in found)
    tools = sum(bool(getattr(message, "tool_calls", None)) for one in found for message in one.messages)
    check("Scout reads transcripts with their messages", found and messages > 0, f"{len(found)} transcripts, {messages} messages")
    check("Scout: cells are tool calls", tools > 0, tools)


def sts(directory):
    import datasets

    loaded = datasets.load_dataset(directory, cache_dir=f"{directory}/../sts-cache")["train"]
    wanted = {"harness", "session_id", "messages", "num_user_messages", "num_tool_calls"}
    check("datasets knows session traces", wanted <= set(loaded.column_names), loaded.column_names)
    check("session traces: one row a file", len(loaded) == len(glob.glob(f"{directory}/data/train-*.jsonl")), len(loaded))
    told = json.dumps(loaded[0]["messages"], default=str) + json.dumps(loaded[0]["trace"], default=str)
    check("session traces: code and output are there", "look()" in told and "found" in told, len(told))


def verl(directory):
    """The loaders of verl on a directory of the configs rl-prompts and sft-trajectories; needs its tokenizer beside it."""
    from omegaconf import OmegaConf
    from transformers import AutoTokenizer
    from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset
    from verl.utils.dataset.rl_dataset import RLHFDataset

    tokenizer = AutoTokenizer.from_pretrained(f"{directory}/../tiny-tokenizer")
    prompts = sorted(glob.glob(f"{directory}/data/rl-prompts/train-*.parquet"))
    config = OmegaConf.create({"max_prompt_length": 512, "cache_dir": f"{directory}/../verl-cache", "filter_overlong_prompts": False})
    loaded = RLHFDataset(data_files=prompts, tokenizer=tokenizer, config=config)
    row = loaded[0]
    check(
        "verl RLHFDataset reads rl-prompts",
        row["raw_prompt"][0]["role"] == "user" and row["reward_model"]["ground_truth"] and isinstance(row["index"], int),
        f"{len(loaded)} rows, {sorted(row)}",
    )
    turns = sorted(glob.glob(f"{directory}/data/sft-trajectories/train-*.parquet"))
    config = OmegaConf.create({"max_length": 2048, "truncation": "error", "messages_key": "messages", "pad_mode": "no_padding"})
    loaded = MultiTurnSFTDataset(parquet_files=turns, tokenizer=tokenizer, config=config)
    row = loaded[0]
    trained = tokenizer.decode([i for i, m in zip(row["input_ids"].tolist(), row["loss_mask"].tolist()) if m])
    check("verl MultiTurnSFTDataset reads sft-trajectories", "It is" in trained or "do not know" in trained, trained)


if __name__ == "__main__":
    name, place = sys.argv[1:]
    {"atif": atif, "verifiers-traces": verifiers, "scout": scout, "sts": sts, "verl": verl}[name](place)
