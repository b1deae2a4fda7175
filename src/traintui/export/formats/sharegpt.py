"""Formats whose records are `conversations` with `from` and `value`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from traintui.data.records import Turn
from traintui.export.formats.model import Files, Schema, Written
from traintui.export.record import Shape, TrainingRecord, has_text, plain

SENDERS = {"user": "human", "assistant": "gpt"}
MESSAGE: dict[str, Any] = {"from": "string", "value": "string"}
TAGS = {
    "role_tag": "from",
    "content_tag": "value",
    "user_tag": "human",
    "assistant_tag": "gpt",
    "observation_tag": "observation",
    "function_tag": "function_call",
    "system_tag": "system",
}
"""Every tag, as they are by default: an entry that gives some leaves the others without one (LLaMA-Factory 0.9.5,
`DatasetAttr.join`)."""


def listed(turns: Sequence[Turn]) -> list[dict[str, Any]]:
    """The turns as ShareGPT names them."""
    return [{"from": SENDERS[turn.role], "value": plain(turn.content)} for turn in turns]


def system_of(system_prompt: str | None, shape: Shape) -> dict[str, str]:
    """The column `system`, if some row of the export has one; empty where there is none, which LLaMA-Factory takes for
    the default of its template, as it does a missing one."""
    if not shape.system:
        return {}
    return {"system": plain(system_prompt) if system_prompt and has_text(system_prompt) else ""}


def sharegpt(record: TrainingRecord, _shape: Shape) -> Written:
    """`{"conversations": [...]}` with the system prompt as the first message."""
    system = []
    if record.system_prompt and has_text(record.system_prompt):
        system = [{"from": "system", "value": plain(record.system_prompt)}]
    return Written(({"conversations": system + listed(record.turns)},))


def llama_factory(record: TrainingRecord, shape: Shape) -> Written:
    """`{"conversations": [...], "system"}`, as the `sharegpt` formatting of LLaMA-Factory 0.9.5 reads it
    (`data/converter.py`)."""
    return Written(({"conversations": listed(record.turns)} | system_of(record.system_prompt, shape),))


def sharegpt_schema(_shape: Shape) -> Schema:
    """One column with the messages."""
    return {"conversations": [MESSAGE]}


def llama_factory_schema(shape: Shape) -> Schema:
    """The messages, and the system prompt where there is any."""
    return {"conversations": [MESSAGE]} | ({"system": "string"} if shape.system else {})


def dataset_info(files: Files, shape: Shape) -> dict[str, str]:
    """The `dataset_info.json` of conversations in the ShareGPT formatting."""
    return entries(files, {"messages": "conversations"}, shape, TAGS)


def entries(
    files: Files, columns: dict[str, str], shape: Shape, tags: dict[str, str] | None, **options: Any
) -> dict[str, str]:
    """A `dataset_info.json` with an entry for each file: `NAME`, and `NAME_eval`.

    Columns that it does not name are none to LLaMA-Factory (0.9.5, `data/parser.py`), so all are named.
    """
    if shape.system:
        columns = columns | {"system": "system"}
    entry = {"formatting": "sharegpt" if tags else "alpaca", **options, "columns": columns}
    if tags:
        entry["tags"] = tags
    found: dict[str, Any] = {files.dataset: {"file_name": files.train} | entry}
    if files.eval:
        found[f"{files.dataset}_eval"] = {"file_name": files.eval} | entry
    return {"dataset_info.json": orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"}


def merged_dataset_info(present: bytes, new: str) -> str:
    """A `dataset_info.json` that stands there already, with the new entries in it. Raises `ValueError` when what stands
    there is no JSON object."""
    known = orjson.loads(present)
    if not isinstance(known, dict):
        raise ValueError("not an object")
    return orjson.dumps(known | orjson.loads(new), option=orjson.OPT_INDENT_2).decode() + "\n"
