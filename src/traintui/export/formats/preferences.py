"""Preference data, derived from what reviewers did."""

from __future__ import annotations

from typing import Any

from traintui.export import preferences
from traintui.export.formats import sharegpt
from traintui.export.formats.messages import MESSAGE, listed
from traintui.export.formats.model import Files, Schema, Written
from traintui.export.preferences import Label, Pair
from traintui.export.record import Shape, TrainingRecord, plain


def answer(content: str) -> dict[str, str]:
    """An answer as a message."""
    return {"role": "assistant", "content": plain(content)}


def trl_dpo(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"prompt": [...], "chosen": [answer], "rejected": [answer]}` (TRL 1.16, `trainer/dpo_trainer.py`)."""

    def row(pair: Pair) -> dict[str, Any]:
        prompt = listed(pair.system_prompt, pair.before)
        return {"prompt": prompt, "chosen": [answer(pair.chosen)], "rejected": [answer(pair.rejected)]}

    pairs, reasons = preferences.pairs_of(record)
    return Written(tuple(row(pair) for pair in pairs), reasons)


def trl_kto(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"prompt": [...], "completion": [answer], "label": bool}` (TRL 1.16, `trainer/kto_trainer.py`)."""

    def row(label: Label) -> dict[str, Any]:
        prompt = listed(label.system_prompt, label.before)
        return {"prompt": prompt, "completion": [answer(label.completion)], "label": label.desirable}

    labels, reasons = preferences.labels_of(record)
    return Written(tuple(row(label) for label in labels), reasons)


def openai_dpo(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"input": {"messages": [...]}, "preferred_output": [answer], "non_preferred_output": [answer]}` (OpenAI, direct
    preference optimization; Together 2.0, `lib/utils/files.py`, `validate_preference_openai`; Fireworks)."""

    def row(pair: Pair) -> dict[str, Any]:
        return {
            "input": {"messages": listed(pair.system_prompt, pair.before)},
            "preferred_output": [answer(pair.chosen)],
            "non_preferred_output": [answer(pair.rejected)],
        }

    pairs, reasons = preferences.pairs_of(record)
    return Written(tuple(row(pair) for pair in pairs), reasons)


def llama_factory_dpo(record: TrainingRecord, shape: Shape) -> Written:
    """`{"conversations": [... human], "chosen": {gpt}, "rejected": {gpt}, "system"}` (LLaMA-Factory 0.9.5,
    `data/converter.py`: an odd number of messages where `ranking` is true)."""

    def row(pair: Pair) -> dict[str, Any]:
        return {
            "conversations": sharegpt.listed(pair.before),
            "chosen": {"from": "gpt", "value": plain(pair.chosen)},
            "rejected": {"from": "gpt", "value": plain(pair.rejected)},
        } | sharegpt.system_of(pair.system_prompt, shape)

    pairs, reasons = preferences.pairs_of(record)
    return Written(tuple(row(pair) for pair in pairs), reasons)


def llama_factory_kto(record: TrainingRecord, shape: Shape) -> Written:
    """`{"conversations": [... gpt], "kto_tag": bool, "system"}` (LLaMA-Factory 0.9.5, `data/converter.py`)."""

    def row(label: Label) -> dict[str, Any]:
        said = [*sharegpt.listed(label.before), {"from": "gpt", "value": plain(label.completion)}]
        return {"conversations": said, "kto_tag": label.desirable} | sharegpt.system_of(label.system_prompt, shape)

    labels, reasons = preferences.labels_of(record)
    return Written(tuple(row(label) for label in labels), reasons)


def trl_dpo_schema(_shape: Shape) -> Schema:
    """Messages before, and the two answers."""
    return {"prompt": [MESSAGE], "chosen": [MESSAGE], "rejected": [MESSAGE]}


def trl_kto_schema(_shape: Shape) -> Schema:
    """Messages before, the answer, and whether it is as it should be."""
    return {"prompt": [MESSAGE], "completion": [MESSAGE], "label": "bool"}


def openai_dpo_schema(_shape: Shape) -> Schema:
    """Messages before, and the two answers."""
    return {"input": {"messages": [MESSAGE]}, "preferred_output": [MESSAGE], "non_preferred_output": [MESSAGE]}


def llama_factory_dpo_schema(shape: Shape) -> Schema:
    """Messages before, the two answers, and the system prompt where there is any."""
    columns: dict[str, Any] = {
        "conversations": [sharegpt.MESSAGE], "chosen": sharegpt.MESSAGE, "rejected": sharegpt.MESSAGE
    }  # fmt: skip
    return columns | ({"system": "string"} if shape.system else {})


def llama_factory_kto_schema(shape: Shape) -> Schema:
    """Messages, the label, and the system prompt where there is any."""
    columns: dict[str, Any] = {"conversations": [sharegpt.MESSAGE], "kto_tag": "bool"}
    return columns | ({"system": "string"} if shape.system else {})


def dpo_info(files: Files, shape: Shape) -> dict[str, str]:
    """The `dataset_info.json` of pairs."""
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}
    return sharegpt.entries(files, columns, shape, sharegpt.TAGS, ranking=True)


def kto_info(files: Files, shape: Shape) -> dict[str, str]:
    """The `dataset_info.json` of labelled answers."""
    columns = {"messages": "conversations", "kto_tag": "kto_tag"}
    return sharegpt.entries(files, columns, shape, sharegpt.TAGS)
