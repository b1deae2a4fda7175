"""Formats whose records are `messages` with `role` and `content`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from traintui.data.records import Turn
from traintui.export.formats.model import Files, Schema, Written
from traintui.export.record import Shape, TrainingRecord, has_text, plain

MESSAGE: dict[str, Any] = {"role": "string", "content": "string"}


def listed(system_prompt: str | None, turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The messages of a conversation, the system prompt first where there is one."""
    system = [{"role": "system", "content": plain(system_prompt)}] if system_prompt and has_text(system_prompt) else []
    return system + [{"role": turn.role, "content": turn.content.replace("\r\n", "\n")} for turn in turns]


def unweighted(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"messages": [...]}` and nothing else (TRL 1.16, `data_utils.is_conversational`; Unsloth hands it to TRL)."""
    return Written(({"messages": listed(record.system_prompt, record.turns)},))


def weighted(record: TrainingRecord, shape: Shape) -> Written:
    """`{"messages": [...]}` with `weight` 0 or 1 on every answer, if some answer of the export is not to be trained on.

    It stands on assistant messages only (OpenAI, fine-tuning guide, multi-turn chat examples; Together 2.0,
    `lib/utils/files.py`: an integer, 0 or 1; mistral-common 1.13, `FinetuningAssistantMessage`; Fireworks, debugging
    the tokenization of SFT: a message with weight 0 is taken out of the loss).
    """
    messages = listed(record.system_prompt, record.turns)
    if shape.weighted:
        for message, turn in zip(messages[-len(record.turns) :], record.turns, strict=True):
            if turn.role == "assistant":
                message["weight"] = int(turn.train)
    return Written(({"messages": messages},))


def axolotl(record: TrainingRecord, shape: Shape) -> Written:
    """`{"messages": [...]}` with `train` on every message, if some answer of the export is not to be trained on.

    On every message, since `datasets` 5.2 takes a list of objects with different keys for one without a schema. What a
    message says of itself goes before `roles_to_train` (Axolotl 0.19, `prompt_strategies/chat_template.py`), so all but
    answers have false.
    """
    messages = listed(record.system_prompt, record.turns)
    if shape.weighted:
        system = len(messages) - len(record.turns)
        trained = [False] * system + [turn.role == "assistant" and turn.train for turn in record.turns]
        for message, train in zip(messages, trained, strict=True):
            message["train"] = train
    return Written(({"messages": messages},))


def prompt_completion(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"prompt": [...], "completion": [answer]}`: the last answer, and everything before it.

    Only the completion is trained on (TRL 1.16, `SFTConfig.completion_only_loss`: true by default for this type). What
    ends with the user has no completion.
    """
    if not record.turns or record.turns[-1].role != "assistant":
        return Written((), ("it ends with the user, so there is no completion",))
    messages = listed(record.system_prompt, record.turns)
    return Written(({"prompt": messages[:-1], "completion": messages[-1:]},))


def unweighted_schema(_shape: Shape) -> Schema:
    """One column with the messages."""
    return {"messages": [MESSAGE]}


def weighted_schema(shape: Shape) -> Schema:
    """Messages with a weight, which is null where it does not stand."""
    return {"messages": [MESSAGE | ({"weight": "int64"} if shape.weighted else {})]}


def axolotl_schema(shape: Shape) -> Schema:
    """Messages that say whether they are trained on."""
    return {"messages": [MESSAGE | ({"train": "bool"} if shape.weighted else {})]}


def prompt_completion_schema(_shape: Shape) -> Schema:
    """Messages before, and the answer."""
    return {"prompt": [MESSAGE], "completion": [MESSAGE]}


def axolotl_fragment(files: Files, shape: Shape) -> dict[str, str]:
    """The YAML that Axolotl's configuration takes for these files.

    `train_on_eos: turn` and `roles_to_train` are its defaults, said; `sequence_len` is said since rows beyond it are
    dropped and its default is 512 (Axolotl 0.19, `utils/schemas/config.py`).
    """
    kind = "parquet" if files.container == "parquet" else "json"

    def dataset(name: str, split_key: str) -> list[str]:
        return [
            f"{split_key}:",
            f"  - path: {quoted(name)}",
            f"    ds_type: {kind}",
            *(["    split: train"] if split_key == "test_datasets" else []),
            "    type: chat_template",
            "    field_messages: messages",
            "    message_property_mappings:",
            "      role: role",
            "      content: content",
            '    roles_to_train: ["assistant"]',
            "    train_on_eos: turn",
            *(["    message_field_training: train"] if shape.weighted else []),
        ]

    lines = [
        "# What Axolotl needs to read this dataset: take it into your configuration.",
        "# Rows of more tokens than sequence_len are dropped; its default is 512.",
        "sequence_len: 4096",
        "excess_length_strategy: raise",
        *dataset(files.train, "datasets"),
        *(dataset(files.eval, "test_datasets") if files.eval else []),
    ]
    return {f"{files.dataset}.axolotl.yaml": "\n".join(lines) + "\n"}


def quoted(name: str) -> str:
    """A name as a double-quoted YAML scalar."""
    escaped = "".join(
        f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}" if ord(character) < 32 else character
        for character in name
    )
    return f'"{escaped}"'
