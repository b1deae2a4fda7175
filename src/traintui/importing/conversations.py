"""Conversations in JSON lines, in the two shapes that training files have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import orjson

from traintui.errors import TraintuiError
from traintui.importing.files import decode, read_bytes, shown

Format = Literal["openai", "sharegpt"]

MAX_FILE_BYTES = 1_000_000_000
MAX_LINE_BYTES = 16_000_000
MAX_DEPTH = 64  # of nested values; deeper ones break the tools that read them later
_IGNORED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ImportedTurn:
    """One message. `train` is true for an assistant turn unless the file gives it the weight 0."""

    role: Literal["user", "assistant"]
    content: str
    train: bool


@dataclass(frozen=True, slots=True)
class ImportedConversation:
    """One good record: the line it stands on (from 1), and in `metadata` every other key of the record."""

    line: int
    system_prompt: str | None
    turns: tuple[ImportedTurn, ...]
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why one line is not a conversation: `what` in a few words, `why` in one sentence."""

    line: int
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class ConversationFile:
    """A whole file. `ignored` names the keys inside messages that have no place in a turn."""

    format: Format
    conversations: tuple[ImportedConversation, ...]
    problems: tuple[LineProblem, ...]
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Shape:
    list_key: str
    role_key: str
    text_key: str
    roles: dict[str, Literal["system", "user", "assistant"]]


_SHAPES: dict[Format, _Shape] = {
    "openai": _Shape("messages", "role", "content", {"system": "system", "user": "user", "assistant": "assistant"}),
    "sharegpt": _Shape(
        "conversations",
        "from",
        "value",
        {"system": "system", "human": "user", "user": "user", "gpt": "assistant", "assistant": "assistant"},
    ),
}
_CALLS = ("tool_calls", "function_call")


class _Refused(Exception):
    """The answer to one line; it never leaves this module."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why


def read_conversations(path: Path, format: Format | None = None) -> ConversationFile:
    """Return every conversation and every problem of a JSONL file, which is read and checked to its end.

    Without `format` it is recognised from the first record. Blank lines are passed over. Raises TraintuiError only for
    the file as a whole: missing, a directory, unreadable, empty, over 1 GB, not UTF-8, or of no known format.
    """
    if format is not None and format not in _SHAPES:
        raise _unrecognised(path, f"“{format}” is not a format of conversations")
    data = read_bytes(path, limit=MAX_FILE_BYTES)
    conversations: list[ImportedConversation] = []
    problems: list[LineProblem] = []
    ignored: dict[str, None] = {}
    for number, line in _lines(path, data):
        try:
            record = _parse(line)
            format = format or _recognise(path, number, record)
            conversations.append(_conversation(number, record, _SHAPES[format], ignored))
        except _Refused as refused:
            problems.append(LineProblem(number, refused.what, refused.why))
    if format is None:
        first = problems[0]
        raise _unrecognised(path, f"no line is a record; line {first.line}: {first.what}")
    return ConversationFile(format, tuple(conversations), tuple(problems), tuple(ignored))


def _unrecognised(path: Path, why: str) -> TraintuiError:
    return TraintuiError(
        "Format not recognised",
        f"{shown(path)} was not imported: {why}.",
        "Give one JSON object a line, with a list “messages” (openai) or “conversations” (sharegpt).",
    )


def _lines(path: Path, data: bytes) -> Iterator[tuple[int, str]]:
    """Each line that is not blank, and its number. Raises TraintuiError at one that is not UTF-8."""
    at = 0
    number = 0
    while at < len(data):
        number += 1
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        line = decode(path, data[at:end], line=number, offset=at)
        if line.strip():
            yield number, line
        at = end + 1


def _parse(line: str) -> dict[str, Any]:
    if len(line) > MAX_LINE_BYTES or len(line.encode()) > MAX_LINE_BYTES:
        raise _Refused("line too long", f"The line is longer than {MAX_LINE_BYTES // 1_000_000} MB.")
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        if "surrogate" in error.msg:
            why = f"The text at column {error.colno} holds half of a surrogate pair, which is no character."
            raise _Refused("lone surrogate", why) from error
        raise _Refused("not JSON", f"The line is not JSON: {error.msg} at column {error.colno}.") from error
    if not isinstance(record, dict):
        raise _Refused("not an object", "The line is JSON, but not an object in curly brackets.")
    _check_values(record)
    return record


def _check_values(record: dict[str, Any]) -> None:
    """Refuse what PostgreSQL or later tools cannot hold, anywhere in the record."""
    waiting: list[tuple[Any, int]] = [(record, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise _Refused("nested too deeply", f"The record nests values more than {MAX_DEPTH} deep.")
        if isinstance(value, str):
            if "\0" in value:
                raise _Refused("NUL character", "A text in the record holds a NUL character, which cannot be stored.")
        elif isinstance(value, list):
            waiting += ((inner, depth + 1) for inner in value)
        elif isinstance(value, dict):
            waiting += ((inner, depth + 1) for pair in value.items() for inner in pair)


def _recognise(path: Path, number: int, record: dict[str, Any]) -> Format:
    for name, shape in _SHAPES.items():
        if isinstance(record.get(shape.list_key), list):
            return name
    raise _unrecognised(path, f"the record in line {number} has neither “messages” nor “conversations”")


def _conversation(line: int, record: dict[str, Any], shape: _Shape, ignored: dict[str, None]) -> ImportedConversation:
    messages = record.get(shape.list_key)
    if not isinstance(messages, list):
        raise _Refused("no messages", f"The record has no list “{shape.list_key}”.")
    system = _system_of(record)
    turns: list[ImportedTurn] = []
    for number, message in enumerate(messages, 1):
        role, content = _message(number, message, shape)
        _note_ignored(message, role, shape, ignored)
        if role != "system":
            turns.append(ImportedTurn(role, content, role == "assistant" and _is_trained(number, message)))
            _check_order(number, turns)
        elif number > 1:
            raise _Refused("system not first", f"Message {number} is a system prompt; it may only come first.")
        elif system is not None and system != content:
            raise _Refused("two system prompts", "The record and its first message give different system prompts.")
        else:
            system = content
    if len(turns) < 2:
        count = "no turn" if not turns else "one turn"
        raise _Refused("too few turns", f"The conversation has {count}; it needs a question and an answer.")
    extra = {key: value for key, value in record.items() if key not in (shape.list_key, "system")}
    return ImportedConversation(line, system, tuple(turns), extra)


def _system_of(record: dict[str, Any]) -> str | None:
    system = record.get("system")
    if system is None:
        return None
    if not isinstance(system, str):
        raise _Refused("content not text", "The system prompt of the record is not text.")
    return system if system.strip() else None


def _message(number: int, message: Any, shape: _Shape) -> tuple[Literal["system", "user", "assistant"], str]:
    if not isinstance(message, dict):
        raise _Refused("message not an object", f"Message {number} is not an object in curly brackets.")
    given = message.get(shape.role_key)
    role = shape.roles.get(given) if isinstance(given, str) else None
    if role is None:
        known = ", ".join(shape.roles)
        raise _Refused("unknown role", f"Message {number} has “{shape.role_key}” {_brief(given)}; known are {known}.")
    if any(message.get(key) for key in _CALLS):
        raise _Refused("tool calls", f"Message {number} calls a tool, and a turn can only hold text.")
    content = message.get(shape.text_key)
    if not isinstance(content, str):
        raise _Refused("content not text", f"The “{shape.text_key}” of message {number} is not text.")
    if not content.strip():
        raise _Refused("empty content", f"Message {number} ({role}) holds no text.")
    return role, content


def _check_order(number: int, turns: list[ImportedTurn]) -> None:
    role = turns[-1].role
    if len(turns) == 1 and role == "assistant":
        raise _Refused("starts with assistant", f"Message {number}, the first turn, is the assistant's; users begin.")
    if len(turns) > 1 and turns[-2].role == role:
        raise _Refused(f"two {role} turns in a row", f"Message {number} is from the {role}, as is the one before it.")


def _is_trained(number: int, message: dict[str, Any]) -> bool:
    weight = message.get("weight", 1)
    if weight is None:
        return True
    if not isinstance(weight, int | float) or weight not in (0, 1):
        raise _Refused("unknown weight", f"Message {number} has the weight {_brief(weight)}; it may be 0 or 1.")
    return bool(weight)


def _note_ignored(message: dict[str, Any], role: str, shape: _Shape, ignored: dict[str, None]) -> None:
    known = {shape.role_key, shape.text_key, *_CALLS, *(("weight",) if role == "assistant" else ())}
    for key in message:
        if key not in known and len(ignored) < _IGNORED_SHOWN:
            ignored[_brief(key).strip("'\"")] = None


def _brief(value: Any) -> str:
    """The value as it may be shown in one line: escaped and cut."""
    text = "nothing" if value is None else repr(value[:40] if isinstance(value, str) else value)
    return text if len(text) <= 60 else f"{text[:59]}…"
