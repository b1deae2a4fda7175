"""Whoever imports a file is told what of it is read as what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from traintui.importing.checking import check, recognise
from traintui.importing.mapping import Mapping
from traintui.importing.read_as import read_as

MESSAGES = [{"role": "user", "content": "How much?"}, {"role": "assistant", "content": "Three."}]


def said(path: Path, record: Any, mapping: dict[str, Any] | None = None) -> str:
    path.write_text(json.dumps(record) + "\n")
    known = recognise(path, None, Mapping.model_validate(mapping) if mapping else None)
    return read_as(known, check(known)).says


@pytest.mark.parametrize(
    ("record", "mapping", "says"),
    [
        ({"messages": MESSAGES}, None, "turns from a list “messages”"),
        (
            {"messages": MESSAGES, "system": "Be kind.", "topic": "fees", "tone": "warm", "source": "web", "page": 3},
            None,
            "turns from a list “messages”, with a system prompt; “topic” and “tone” as values of the vocabulary;"
            " “source” and “page” as metadata",
        ),
        ({"prompt": "How much?", "completion": "Three."}, None, "turns from texts “prompt” and “completion”"),
        (
            {"ref": 7, "log": [{"by": "user", "says": "How much?"}, {"by": "bot", "says": "Three."}]},
            {"turns": {"list": "log", "role": "by", "content": "says"}},
            "turns from a list “log” of “by” and “says”; “ref” as metadata",
        ),
        (
            {"q": "How much?", "a": "Three."},
            {"turn": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            "turns from “q” and “a”",
        ),
        (
            {"messages": MESSAGES, **{f"key{number}": 1 for number in range(20)}},
            None,
            "turns from a list “messages”; " + ", ".join(f"“key{number}”" for number in range(11))
            + " and “key11” and 8 more keys as metadata",
        ),
    ],
)  # fmt: skip
def test_it_is_said_in_a_line(tmp_path: Path, record: Any, mapping: dict[str, Any] | None, says: str) -> None:
    assert said(tmp_path / "chats.jsonl", record, mapping) == says
