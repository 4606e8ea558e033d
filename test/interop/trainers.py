"""Trains on an export with TRL's own trainers: trainers.py DIRECTORY TOKENIZER OUT.

The model is tiny and random, made here; two steps each, on the CPU. Prints {"check", "ok", "detail"} lines.
"""

import json
import math
import os
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["WANDB_MODE"] = "disabled"
import torch  # noqa: E402
from datasets import get_dataset_config_names, load_dataset  # noqa: E402
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM  # noqa: E402

DIRECTORY, TOKENIZER, OUT = sys.argv[1:]
torch.set_num_threads(1)
torch.manual_seed(0)
tokenizer = AutoTokenizer.from_pretrained(TOKENIZER)
END = tokenizer.eos_token


def check(name, ok, detail=""):
    print(json.dumps({"check": name, "ok": bool(ok), "detail": str(detail)[:300]}), flush=True)


def attempt(name, work):
    try:
        work()
    except Exception as error:  # a trainer that refuses the data is what this is here to find
        check(name, False, f"{type(error).__name__}: {error}")


def model():
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=4096,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    place = os.path.join(OUT, "model")
    if not os.path.exists(place):
        LlamaForCausalLM(config).save_pretrained(place)
    # From a directory: DPO and KTO load a second one as their reference.
    return AutoModelForCausalLM.from_pretrained(place)


def common(**more):
    return {
        "output_dir": OUT,
        "max_steps": 2,
        "per_device_train_batch_size": 2,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
        "bf16": False,
        **more,
    }


def trained(name, trainer):
    """Two real steps: the loss is a number and the weights have moved."""
    before = {key: value.detach().clone() for key, value in trainer.model.named_parameters()}
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    moved = any(not torch.equal(before[key], value) for key, value in trainer.model.named_parameters())
    ok = trainer.state.global_step == 2 and losses and all(map(math.isfinite, losses)) and moved
    check(f"{name}: two steps", ok, f"losses {losses}, weights {'moved' if moved else 'did not move'}")


def labelled(trainer):
    """What the collator gives the model, row by row: ids, and the ids that carry loss."""
    for batch in trainer.get_train_dataloader():
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"]):
            kept = [(i, l) for i, l, m in zip(ids.tolist(), labels.tolist(), mask.tolist()) if m]
            yield tuple(i for i, _ in kept), tuple(l for _, l in kept)


def configs():
    names = get_dataset_config_names(DIRECTORY)
    loaded = {name: load_dataset(DIRECTORY, name) for name in names}
    splits = {name: {split: len(rows) for split, rows in config.items()} for name, config in loaded.items()}
    wanted = ["kto", "preference", "process", "rl-prompts", "sft-tokens", "sft-trajectories", "sft-turns"]
    whole = all(set(counts) == {"train", "validation", "test"} and min(counts.values()) > 0 for counts in splits.values())
    check("load_dataset: every config with its three splits", sorted(names) == wanted and whole, splits)


def sft_turns():
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset(DIRECTORY, "sft-turns", split="train")
    data = rows.select_columns(["prompt", "completion"])
    trainer = SFTTrainer(
        model=model(), args=SFTConfig(**common(max_length=None)), train_dataset=data, processing_class=tokenizer
    )
    # The text that carries loss, with the text before it: the response and the end of its message.
    wanted = {}
    for row in rows:
        prompt = tokenizer.apply_chat_template(row["prompt"], tokenize=False, add_generation_prompt=True)
        wanted.setdefault(prompt, set()).add(row["completion"][0]["content"] + END)
    wrong, seen = [], 0
    for ids, labels in labelled(trainer):
        start = next(index for index, label in enumerate(labels) if label != -100)
        text = tokenizer.decode([label for label in labels if label != -100])
        seen += 1
        if text.rstrip("\n") not in wanted.get(tokenizer.decode(ids[:start]), ()):
            wrong.append(text)
    check("SFT on sft-turns: TRL's loss mask is the response and its end", not wrong and seen == len(rows) // 2 * 2, f"{seen} rows, {wrong[:1]}")
    trained("SFT on sft-turns", trainer)


def sft_tokens():
    from trl import SFTConfig, SFTTrainer

    rows = load_dataset(DIRECTORY, "sft-tokens", split="train")
    data = rows.select_columns(["input_ids", "labels"])
    trainer = SFTTrainer(
        model=model(), args=SFTConfig(**common(max_length=None)), train_dataset=data, processing_class=tokenizer
    )
    wanted = {tuple(row["input_ids"]): tuple(row["labels"]) for row in rows}
    wrong = [ids for ids, labels in labelled(trainer) if wanted.get(ids) != labels]
    check("SFT on sft-tokens: ids and labels reach the model as they are", not wrong, f"{len(wrong)} differ")
    masks = all(
        [label if bit else -100 for label, bit in zip(row["input_ids"], row["loss_mask"])] == row["labels"]
        and set(row["attention_mask"]) == {1}
        for row in rows
    )
    check("sft-tokens: labels, loss_mask and attention_mask agree", masks)
    trained("SFT on sft-tokens", trainer)
    sources = sorted(set(rows["token_source"]))
    check("sft-tokens has rows of both sources", sources == ["engine", "tokenizer"], sources)
    same_ids(rows)


def same_ids(rows):
    """Our tokenizer and template in JavaScript against the reference ones in Python."""
    turns = load_dataset(DIRECTORY, "sft-trajectories", split="train")
    texts = {}
    for row in turns:
        conversation = [{"role": m["role"], "content": m["content"]} for m in row["messages"]]
        texts[row["trajectory_id"], row["branch"]] = tokenizer.apply_chat_template(conversation, tokenize=False)
    different = []
    for row in rows:
        whole = texts[row["trajectory_id"], row["branch"]]
        ids = tokenizer(whole, add_special_tokens=False)["input_ids"]
        if ids[: len(row["input_ids"])] != row["input_ids"]:
            different.append(row["trajectory_id"])
    check("sft-tokens: the ids are those of transformers", not different, f"{len(rows)} rows, {len(different)} differ")


def preference():
    from trl import DPOConfig, DPOTrainer

    data = load_dataset(DIRECTORY, "preference", split="train").select_columns(["prompt", "chosen", "rejected"])
    trainer = DPOTrainer(
        model=model(), args=DPOConfig(**common(max_length=None)), train_dataset=data, processing_class=tokenizer
    )
    trained("DPO on preference", trainer)


def kto():
    try:
        from trl import KTOConfig, KTOTrainer
    except ImportError:
        from trl.experimental.kto import KTOConfig, KTOTrainer

    data = load_dataset(DIRECTORY, "kto", split="train").select_columns(["prompt", "completion", "label"])
    check("kto has wanted and unwanted rows", len(set(data["label"])) == 2, len(data))
    trainer = KTOTrainer(
        model=model(), args=KTOConfig(**common(max_length=None)), train_dataset=data, processing_class=tokenizer
    )
    trained("KTO on kto", trainer)


def rl_prompts():
    from trl import GRPOConfig, GRPOTrainer

    data = load_dataset(DIRECTORY, "rl-prompts", split="train")
    truths = {row["prompt"][0]["content"]: row["reward_model"]["ground_truth"] for row in data}
    wrong, calls = [], []

    def reward(prompts, completions, reward_model, extra_info, **_):
        for prompt, model_, info in zip(prompts, reward_model, extra_info):
            calls.append(info["index"])
            if model_["ground_truth"] != truths[prompt[0]["content"]]:
                wrong.append(prompt)
        # Different within each group, as equal rewards teach nothing.
        return [float(place % 2) for place in range(len(completions))]

    config = GRPOConfig(**common(num_generations=2, max_completion_length=8, beta=0.0))
    trainer = GRPOTrainer(
        model=model(), reward_funcs=reward, args=config, train_dataset=data, processing_class=tokenizer
    )
    trained("GRPO on rl-prompts", trainer)
    check("GRPO: the reward function gets its columns", calls and not wrong, f"{len(calls)} calls")


if __name__ == "__main__":
    attempt("load_dataset of all configs", configs)
    attempt("SFT on sft-turns", sft_turns)
    attempt("SFT on sft-tokens", sft_tokens)
    attempt("DPO on preference", preference)
    attempt("KTO on kto", kto)
    attempt("GRPO on rl-prompts", rl_prompts)
