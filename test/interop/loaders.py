"""Loads an export with trainers' own loaders: loaders.py TRAINER DIRECTORY; the tokenizer lies beside it.

The configuration of each is what the dataset card tells. Prints {"check", "ok", "detail"} lines, or
{"skipped", "detail"} for a part that the installed version does not have.
"""

import glob
import json
import sys

from transformers import AutoTokenizer

DIRECTORY = sys.argv[2]
tokenizer = AutoTokenizer.from_pretrained(f"{DIRECTORY}/../tiny-tokenizer")
END = tokenizer.eos_token


def check(name, ok, detail=""):
    print(json.dumps({"check": name, "ok": bool(ok), "detail": str(detail)[:300]}), flush=True)


def skipped(name, detail):
    print(json.dumps({"skipped": name, "detail": str(detail)[:300]}), flush=True)


def load(config):
    from datasets import load_dataset

    return load_dataset(DIRECTORY, config, split="train")


def responses(row, only_trained=True):
    return [m["content"] for m in row["messages"] if m["role"] == "assistant" and (m["train"] or not only_trained)]


def trained_text(row):
    return tokenizer.decode([label for label in row["labels"] if label != -100])


def axolotl():
    from axolotl.utils.data.shared import load_dataset_with_config
    from axolotl.utils.data.wrappers import get_dataset_wrapper
    from axolotl.utils.dict import DictDefault

    config = DictDefault({"sequence_len": 4096, "dataset_num_proc": 1})

    def prepare(name, kind, change=None, **more):
        dataset = DictDefault({"path": DIRECTORY, "name": name, "split": "train", "type": kind, **more})
        rows = load_dataset_with_config(dataset, False)
        rows = rows.map(change) if change else rows
        return rows, get_dataset_wrapper(dataset, tokenizer, config, kind, rows)[0]

    chat = {"field_messages": "messages", "message_field_training": "train"}
    rows, made = prepare("sft-trajectories", "chat_template", **chat)
    wrong = [row["trajectory_id"] for row, one in zip(rows, made) if trained_text(one) != "".join(text + END for text in responses(row))]
    check("Axolotl chat_template on sft-trajectories: the loss is on the responses and their ends", len(rows) and not wrong, f"{len(rows)} rows, {wrong[:1]}")

    def without_first(row):
        first = next(index for index, message in enumerate(row["messages"]) if message["role"] == "assistant")
        return {"messages": [{**message, "train": message["train"] and index != first} for index, message in enumerate(row["messages"])]}

    rows, made = prepare("sft-trajectories", "chat_template", without_first, **chat)
    wrong = [row["trajectory_id"] for row, one in zip(rows, made) if trained_text(one) != "".join(text + END for text in responses(row, False)[1:])]
    check("Axolotl: `train` false keeps a response out of the loss", not wrong, f"{len(rows)} rows, {wrong[:1]}")

    rows, made = prepare("sft-tokens", None)
    same = all(made[place]["labels"] == row["labels"] and made[place]["input_ids"] == row["input_ids"] for place, row in enumerate(load("sft-tokens")))
    check("Axolotl takes sft-tokens as tokenized already, ids and labels as they are", same and len(made), len(made))

    rows, made = prepare("process", "stepwise_supervised")
    wrong = [row["trajectory_id"] for row, one in zip(rows, made) if [bool(label) for label in one["labels"] if label != -100] != row["labels"]]
    check("Axolotl stepwise_supervised on process: a label at the end of each step", len(rows) and not wrong, f"{len(rows)} rows, {wrong[:1]}")


def skyrl():
    from skyrl.train.dataset import PromptDataset

    files = sorted(glob.glob(f"{DIRECTORY}/data/rl-prompts/train-*.parquet"))
    rows = load("rl-prompts")
    loaded = PromptDataset(files, tokenizer, 512, num_workers=1)
    batch = loaded.collate_fn([loaded[place] for place in range(len(loaded))])
    wrong = [
        row["task_id"]
        for row, one in zip(rows, batch)
        if one["prompt"] != row["prompt"]
        or one["env_class"] != "rlm"
        or one["env_extras"]["reward_spec"] != {"method": "rule", "ground_truth": row["answer"]}
    ]
    check("SkyRL PromptDataset reads rl-prompts", len(batch) == len(rows) and not wrong, f"{len(batch)} rows, {wrong[:1]}")
    try:
        from skyrl.train.dataset.pretokenized import load_from_pretokenized
    except ModuleNotFoundError as error:
        return skipped("SkyRL's loader of pre-tokenized sets on sft-tokens", f"not in the installed version: {error}")
    rows = load("sft-tokens")
    loaded = load_from_pretokenized(f"{DIRECTORY}/data/sft-tokens/train-00000-of-00001.parquet")
    wrong = [
        row["trajectory_id"]
        for row, one in zip(rows, loaded)
        if one["input_ids"] != row["input_ids"] or one["loss_mask"] != row["loss_mask"][-one["num_actions"] :]
    ]
    check("SkyRL reads sft-tokens with its loss mask", len(loaded) == len(rows) and not wrong, f"{len(loaded)} rows, {wrong[:1]}")


def prime_rl():
    """Its SFT loader hands `messages` to its renderers, which are a package of their own."""
    from renderers import DefaultRendererConfig, build_training_sample, create_renderer

    renderer = create_renderer(tokenizer, DefaultRendererConfig())
    rows = load("sft-trajectories")
    wrong = []
    for row in rows:
        sample = build_training_sample(renderer, row["messages"], role_to_mask=lambda message: message["role"] == "assistant", ensure_final_stop=True)
        text = tokenizer.decode([token for token, bit in zip(sample.token_ids, sample.loss_mask) if bit])
        if [part.split("\n", 1)[1] for part in text.split("<|im_start|>")[1:]] != [f"{said}{END}\n" for said in responses(row, False)]:
            wrong.append(row["trajectory_id"])
    check("prime-rl's renderers take sft-trajectories: the loss is on the assistant", len(rows) and not wrong, f"{len(rows)} rows, {wrong[:1]}")


def nemo_gym():
    from nemo_gym.base_resources_server import BaseRunRequest

    count, problems, questions = 0, [], []
    for path in sorted(glob.glob(f"{DIRECTORY}/data/train-*.jsonl")):
        with open(path, encoding="utf-8") as file:
            for line in file:
                count += 1
                row = json.loads(line)
                try:
                    request = BaseRunRequest.model_validate(row)
                    questions.append(request.responses_create_params.input[0].content == row["info"]["root_prompt"])
                except Exception as error:
                    problems.append(f"{type(error).__name__}: {error}")
    check("NeMo Gym takes each line of rl-prompts as a run request", count and not problems, f"{count} lines, {problems[:1]}")
    check("NeMo Gym: the input is the question", questions and all(questions), len(questions))


if __name__ == "__main__":
    {"axolotl": axolotl, "skyrl": skyrl, "prime-rl": prime_rl, "nemo-gym": nemo_gym}[sys.argv[1]]()
