"""What is known of each target, with its source."""

from __future__ import annotations

from dataclasses import replace

from traintui.export.rules import TargetRules

_ANSWER = "a model learns from an answer"
_NO_WEIGHT = "a conversation with no weight of 1 teaches nothing"
_TEMPLATE = "templates such as those of Mistral and Gemma raise an error"
_SYSTEM = "Templates such as that of Gemma 2 raise an error at a system prompt: look at that of your model."

OPENAI = TargetRules(
    "OpenAI",
    "OpenAI, fine-tuning guide",
    minimum=10,
    because={
        "last": _ANSWER,
        "untrained": "a conversation with no weight of 1 teaches nothing",
    },
)
TRL = TargetRules(
    "TRL",
    "TRL 1.16, trainer/sft_config.py (max_length 1024, keep_start), trainer/sft_trainer.py",
    token_limit=1024,
    learns="everything",
    special_tokens=True,
    because={
        "first": _TEMPLATE,
        "alternates": _TEMPLATE,
        "last": "TRL would train on the user's words as the last thing said",
        "empty": "TRL trains on an answer that says nothing",
        "untrained": "TRL knows no marks and would train on all of it",
    },
    notes=(
        "TRL trains on every turn by default, the user's too: assistant_only_loss=True trains on answers alone.",
        "By default TRL cuts at 1,024 tokens without a word: set max_length.",
        _SYSTEM,
    ),
)
TRL_COMPLETION = replace(
    TRL,
    source="TRL 1.16, trainer/sft_config.py (max_length 1024, completion_only_loss for prompt and completion)",
    learns="last answer",
    notes=(
        "By default TRL cuts at 1,024 tokens, and drops a row whose prompt alone is longer: set max_length.",
        _SYSTEM,
    ),
)
TRL_DPO = replace(
    TRL_COMPLETION,
    source="TRL 1.16, trainer/dpo_config.py (max_length 1024), dpo_trainer.py (drops prompts of that length)",
)
TRL_KTO = replace(
    TRL_COMPLETION,
    source="TRL 1.16, trainer/kto_config.py (max_length 1024), kto_trainer.py (drops prompts of that length)",
)
AXOLOTL = TargetRules(
    "Axolotl",
    "Axolotl 0.19, utils/schemas/config.py (sequence_len 512, excess_length_strategy drop), utils/data/utils.py",
    token_limit=512,
    excess="drop",
    special_tokens=True,
    because={
        "first": _TEMPLATE,
        "alternates": _TEMPLATE,
        "last": "Axolotl finds no answer to end with",
        "empty": "Axolotl finds no such turn in the text and trains on nothing of it",
        "untrained": "Axolotl drops it without a word",
    },
    notes=(
        "Axolotl drops conversations of more than 512 tokens by default: the YAML beside the file sets sequence_len.",
        _SYSTEM,
    ),
)
_SKIPPED = "LLaMA-Factory skips it without stopping"
LLAMA_FACTORY = TargetRules(
    "LLaMA-Factory",
    "LLaMA-Factory 0.9.5, data/converter.py, data/processor/supervised.py, hparams/data_args.py (cutoff_len 2048)",
    token_limit=2048,
    excess="pairs",
    special_tokens=True,
    counts_media=True,
    because={
        "first": _SKIPPED,
        "alternates": _SKIPPED,
        "last": _SKIPPED,
        "empty": "LLaMA-Factory trains on an answer that says nothing",
        "untrained": "LLaMA-Factory knows no marks and would train on all of it",
    },
    notes=("LLaMA-Factory leaves out what comes after 2,048 tokens: set cutoff_len.",),
)
LLAMA_FACTORY_PAIRS = replace(
    LLAMA_FACTORY,
    source="LLaMA-Factory 0.9.5, data/processor/pairwise.py and feedback.py, processor_utils.py (infer_seqlen)",
    learns="last answer",
    notes=("LLaMA-Factory shortens the end of a prompt, which is the question, beyond 2,048 tokens: set cutoff_len.",),
)
ALPACA = replace(
    LLAMA_FACTORY,
    source="LLaMA-Factory 0.9.5, data/converter.py (AlpacaDatasetConverter)",
    notes=(
        "Only LLaMA-Factory reads the history, by the dataset_info.json beside the file: others train on the last"
        " exchange alone.",
        "Where the first 10 MB are single exchanges and later rows have a history, JSONL cannot be loaded: export"
        " Parquet.",
    ),
)
TOGETHER = TargetRules(
    "Together",
    "Together 2.0, lib/utils/files.py",
    max_bytes=int(50.1 * 2**30),
    because={"empty": "an empty answer teaches nothing", "last": _ANSWER},
)
FIREWORKS = TargetRules(
    "Fireworks",
    "Fireworks, supervised fine-tuning: preparing a dataset",
    minimum=3,
    maximum=3_000_000,
    because={"empty": "an empty answer teaches nothing", "last": _ANSWER},
)
BEDROCK = TargetRules(
    "Bedrock", "Anthropic, Finetuning Claude 3 Haiku on Bedrock",
    because={"untrained": "Bedrock knows no marks and would train on all of it"},
)  # fmt: skip
GEMINI = TargetRules(
    "Gemini",
    "Google Cloud, about supervised fine-tuning for Gemini models",
    token_limit=131_072,
    max_bytes=10**9,
    because={
        "untrained": "Gemini knows no marks and would train on all of it",
        "last": _ANSWER,
    },
)
MISTRAL = TargetRules(
    "Mistral",
    "mistral-common 1.13, protocol/instruct/validator.py (fine-tuning mode)",
    because={"untrained": _NO_WEIGHT},
)
UNSLOTH = replace(
    TRL,
    target="Unsloth",
    source="Unsloth 2026.10, models/loader.py (max_seq_length 2048), trained by TRL",
    token_limit=2048,
    because=dict(TRL.because) | {
        "last": "Unsloth would train on the user's words as the last thing said",
        "empty": "Unsloth trains on an answer that says nothing",
        "untrained": "Unsloth knows no marks and would train on all of it",
    },
    notes=(
        "Unsloth trains on every turn unless train_on_responses_only wraps the trainer, and cuts at max_seq_length"
        " (2,048).",
        "Unsloth looks at the first rows alone to tell what the file is.",
        _SYSTEM,
    ),
)  # fmt: skip
OWN = TargetRules("Traintui", "this project", because={})
