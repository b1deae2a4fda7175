"""The Alpaca format: one instruction and its output, and what was said before in `history`."""

from __future__ import annotations

from typing import Any

from traintui.export.formats.model import Files, Schema, Written
from traintui.export.formats.sharegpt import entries, system_of
from traintui.export.record import Shape, TrainingRecord, plain


def alpaca(record: TrainingRecord, shape: Shape) -> Written:
    """`{"instruction", "input", "output", "system", "history"}`: the last exchange, and the ones before it.

    `input` is empty, as everything stands in the instruction. `history` is there where some conversation of the export
    has more than one exchange; LLaMA-Factory 0.9.5 reads it as pairs and trains on its answers too
    (`data/converter.py`, `data/processor/supervised.py`), others pass over it. What is not made of pairs of user and
    assistant has no such form.
    """
    turns = record.turns
    roles = [turn.role for turn in turns]
    if not turns or roles != ["user", "assistant"] * (len(turns) // 2):
        return Written((), ("it is not made of pairs of a question and its answer",))
    texts = [plain(turn.content) for turn in turns]
    row: dict[str, Any] = {"instruction": texts[-2], "input": "", "output": texts[-1]}
    row |= system_of(record.system_prompt, shape)
    if shape.multi_turn:
        row["history"] = [[texts[place], texts[place + 1]] for place in range(0, len(texts) - 2, 2)]
    return Written((row,))


def alpaca_schema(shape: Shape) -> Schema:
    """Text, and lists of pairs where there is a history."""
    columns: dict[str, Any] = {"instruction": "string", "input": "string", "output": "string"}
    columns |= {"system": "string"} if shape.system else {}
    return columns | ({"history": [["string"]]} if shape.multi_turn else {})


def dataset_info(files: Files, shape: Shape) -> dict[str, str]:
    """The `dataset_info.json` of an Alpaca file: without it LLaMA-Factory passes over the history."""
    columns = {"prompt": "instruction", "query": "input", "response": "output"}
    return entries(files, columns | ({"history": "history"} if shape.multi_turn else {}), shape, None)
