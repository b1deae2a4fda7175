"""Small files of conversations and how they are read, for the tests of this folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from traintui.errors import TraintuiError
from traintui.importing.checking import Findings, Recognised, conversations, recognise
from traintui.importing.conversations import Format, ImportedConversation
from traintui.importing.mapping import Mapping

Record = dict[str, Any]


@dataclass(frozen=True)
class Whole:
    """A file that was read to its end."""

    known: Recognised
    conversations: list[ImportedConversation]
    findings: Findings

    @property
    def problems(self) -> list[tuple[int, str]]:
        return [(problem.line, problem.what) for problem in self.findings.problems]

    @property
    def one(self) -> ImportedConversation:
        """The only conversation of a file without a problem."""
        assert not self.findings.bad, self.findings.problems
        (conversation,) = self.conversations
        return conversation


def read(path: Path, format: Format | None = None, mapping: Mapping | None = None) -> Whole:
    known = recognise(path, format, mapping)
    findings = Findings()
    return Whole(known, list(conversations(known, findings)), findings)


def refusal(path: Path, format: Format | None = None, mapping: Mapping | None = None) -> TraintuiError:
    """The answer to a file that is refused as a whole."""
    with pytest.raises(TraintuiError) as caught:
        read(path, format, mapping)
    assert caught.value.remedy and "\n" not in caught.value.message
    return caught.value


def texts(conversation: ImportedConversation) -> list[str]:
    return [turn.content for turn in conversation.turns]


def message(role: str, content: Any = "text", **more: Any) -> Record:
    return {"role": role, "content": content, **more}


def good(*messages: Record, **more: Any) -> Record:
    return {"messages": list(messages or (message("user", "Hello?"), message("assistant", "Hello."))), **more}


def shared(*pairs: tuple[str, str], **more: Any) -> Record:
    return {"conversations": [{"from": role, "value": value} for role, value in pairs], **more}


def own(identity: str = "c-1", **more: Any) -> Record:
    turns = [message("user", "Hello?", train=True), message("assistant", "Hello.", train=True)]
    return {
        "traintui": 1, "conversation_id": identity, "revision": 2, "status": "approved", "topic": "fees",
        "system_prompt": None, "turns": turns, "metadata": {"k": [1]}, "decisions": [], **more,
    }  # fmt: skip


def dump(record: Any) -> bytes:
    return json.dumps(record).encode()


def lines_of(*lines: str | bytes | Record) -> bytes:
    return b"\n".join(
        line if isinstance(line, bytes) else line.encode() if isinstance(line, str) else dump(line) for line in lines
    )


def write(folder: Path, *lines: str | bytes | Record, name: str = "set.jsonl") -> Path:
    path = folder / name
    path.write_bytes(lines_of(*lines))
    return path
