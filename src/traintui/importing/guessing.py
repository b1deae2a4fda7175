"""A first mapping for a file of another shape, guessed from its first record, to be mended by who knows it."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from traintui.errors import TraintuiError
from traintui.importing.checking import first, recognise
from traintui.importing.conversations import LineProblem
from traintui.importing.mapping import joined, mapping_of
from traintui.importing.readers import rows, source_of

DEPTH = 4
ROLE_KEYS = ("role", "from", "sender", "speaker", "author", "by", "who", "type")
TEXT_KEYS = ("content", "text", "value", "message", "body", "says")
_ANSWERS = ("assistant", "agent", "bot", "model", "gpt", "ai", "support", "staff", "operator", "advisor")
_ASKS = ("user", "human", "customer", "client", "visitor", "guest", "member")
_SYSTEM = ("system", "developer")
_ANSWER_FIELDS = (*_ANSWERS, "answer", "response", "reply", "completion", "output")
_QUESTION_FIELDS = (*_ASKS, "question", "query", "prompt", "instruction", "input", "request")


def guessed(path: Path) -> str:
    """A mapping for a file as TOML: what it seems to say, with every line that may have to be changed.

    Raises TraintuiError where the file cannot be read.
    """
    source = source_of(path, (), _has_turns)
    record = next((row.record for row in rows(source) if row.record is not None), {})
    head = [f'records = "{".".join(source.steps)}"'] if source.steps else []
    found = next(_lists_of_turns(record), None)
    if found is None and (fields := _fields_of_turns(record)):
        turns_of = (f"[[turn]]\nrole = {_quoted(role)}\ncontent = {_quoted(key)}" for role, key in fields)
        return "\n\n".join(head + list(turns_of)) + "\n"
    way, turns = found or ("messages", [])
    role, content = _role_key(turns), _content_key(turns)
    said = list(dict.fromkeys(str(turn.get(role)) for turn in turns if role in turn))
    lines = [*head, "[turns]", f"list = {_quoted(way)}", f"role = {_quoted(role)}", f"content = {_quoted(content)}"]
    if said:
        lines += [
            "",
            "[roles]",
            *(f"{_quoted(each)} = {_quoted(_role_of(each, place))}" for place, each in enumerate(said)),
        ]
    return "\n".join(lines) + "\n"


def tried(path: Path) -> str | None:
    """The same where the first conversation of the file is read by it; None where the guess leads to none.

    Raises TraintuiError where the file cannot be read.
    """
    made = guessed(path)
    try:
        found = first(recognise(path, None, mapping_of(tomllib.loads(made))))
    except TraintuiError:
        return None
    return None if isinstance(found, LineProblem) else made


def _has_turns(value: Any) -> bool:
    return isinstance(value, dict) and next(_lists_of_turns(value), None) is not None


def _lists_of_turns(value: Any, way: str = "", depth: int = DEPTH) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Lists of two or more objects that hold texts, with the way to each; those nearest to the top first."""
    if not isinstance(value, dict) or not depth:
        return
    for key, inner in value.items():
        if isinstance(inner, list) and len(inner) > 1 and all(map(_holds_text, inner)):
            yield f"{way}{key}", inner
    for key, inner in value.items():
        yield from _lists_of_turns(inner, f"{way}{key}.", depth - 1)


def _holds_text(turn: Any) -> bool:
    return isinstance(turn, dict) and any(joined(value) for value in _values(turn))


def _values(turn: dict[str, Any]) -> Iterator[Any]:
    """What an object holds, and what the objects in it do."""
    for value in turn.values():
        yield from value.values() if isinstance(value, dict) else (value,)


def _fields_of_turns(record: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and key of fields called as a question or an answer, numbered or not; none unless there are both."""
    found: list[tuple[str, str]] = []
    for key in (key for key, value in record.items() if isinstance(value, str)):
        stem = key.casefold().rstrip("0123456789").rstrip("_- ")
        role = "user" if stem in _QUESTION_FIELDS else "assistant" if stem in _ANSWER_FIELDS else ""
        found += [(role, key)] if role else []
    if len({role for role, _ in found}) < 2:
        return []
    return sorted(found, reverse=True) if len(found) == 2 else found


def _role_key(turns: list[dict[str, Any]]) -> str:
    """The key that says whose a turn is: one of the usual names, else the text with the fewest different values."""
    if not turns:
        return "role"
    for key in ROLE_KEYS:
        if all(isinstance(turn.get(key), str) for turn in turns):
            return key
    texts = {key: {str(turn.get(key)) for turn in turns} for key, value in turns[0].items() if isinstance(value, str)}
    return min(texts, key=lambda key: len(texts[key]), default="role")


def _content_key(turns: list[dict[str, Any]]) -> str:
    """The key of the text: one of the usual names, else the one that holds most of the text."""
    for key in TEXT_KEYS:
        if turns and all(joined(turn.get(key)) is not None for turn in turns):
            return key
    lengths: Counter[str] = Counter()
    for turn in turns:
        for key, value in turn.items():
            lengths[key] += len(joined(value) or "")
            if isinstance(value, dict):
                for inner, text in value.items():
                    lengths[f"{key}.{inner}"] += len(joined(text) or "")
    return lengths.most_common(1)[0][0] if lengths else "content"


def _role_of(said: str, place: int) -> str:
    """Whose turns those are that a file gives this role; the first that speaks is the user where nothing tells."""
    plain = said.casefold()
    for names, role in ((_SYSTEM, "system"), (_ANSWERS, "assistant"), (_ASKS, "user")):
        if plain in names:
            return role
    return "assistant" if place % 2 else "user"


def _quoted(text: str) -> str:
    """A text as TOML writes it."""
    inside = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in inside) + '"'
