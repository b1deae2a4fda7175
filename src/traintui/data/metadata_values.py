"""Metadata as people write it: text in, JSON values out, and back."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

from traintui.errors import TraintuiError

ValueType = Literal["text", "integer", "number", "boolean", "date"]
VALUE_TYPES: tuple[ValueType, ...] = ("text", "integer", "number", "boolean", "date")

LONGEST_KEY = 100
MOST_BYTES = 65_536
"""Of the metadata of one conversation, as PostgreSQL writes it."""
GREATEST_INTEGER = 2**53
"""Up to here a double holds every whole number."""

_KEY = re.compile(r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff:<>=\"]{1,100}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})([eE][+-]?[0-9]{1,3})?")
_JSON_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,300})(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")
TYPES: Mapping[str, tuple[str, str]] = {
    "text": ("text", "anything"),
    "integer": ("a whole number", "a whole number such as 4"),
    "number": ("a number", "a number such as 4.5"),
    "boolean": ("true or false", "true or false"),
    "date": ("a day", "a day such as 2026-11-01"),
}
"""What each type is called, and what would be right."""


def not_right(value: str, value_type: str, *, because: str = "") -> TraintuiError:
    """The answer to what is not of a type."""
    name, example = TYPES[value_type]
    shown = value if len(value) <= 60 else value[:59] + "…"
    return TraintuiError("Metadata not valid", f'"{shown}" is not {name}{because}.', f"Write {example}.")


def checked_key(key: str) -> str:
    """The key, if the filter can ask for it. Raises `TraintuiError` otherwise."""
    if _KEY.fullmatch(key):
        return key
    if not key:
        raise TraintuiError("Metadata not valid", "a key has a name.", "Write one such as source_page.")
    if len(key) > LONGEST_KEY:
        raise TraintuiError(
            "Metadata not valid",
            f"a key has at most {LONGEST_KEY} characters, not {len(key):,}.",
            "Write a shorter one.",
        )
    wrong = next(character for character in key if not _KEY.fullmatch(character))
    what = "a blank" if wrong.isspace() else f"U+{ord(wrong):04X}" if not wrong.isprintable() else wrong
    raise TraintuiError(
        "Metadata not valid", f"a key cannot hold {what}, since a filter could not ask for it.",
        "Write it like source_page.",
    )  # fmt: skip


def parse_value(written: str, value_type: str | None) -> Any:
    """What somebody wrote, as a JSON value of a type; with no type, JSON where it is JSON (`true`, `4.5`, `null`,
    `"quoted"`, `[1, 2]`), else text as it stands. Raises `TraintuiError` with what would be right."""
    word = written.strip()
    match value_type:
        case None:
            return free_value(written)
        case "text":
            return written
        case "boolean":
            if word.lower() not in {"true", "false", "yes", "no"}:
                raise not_right(word, "boolean")
            return word.lower() in {"true", "yes"}
        case "date":
            return day(word)
        case "integer" | "number":
            return number(word, value_type)
    as_value_type(value_type)
    raise AssertionError(value_type)  # cannot be: each type is parsed above


def day(word: str) -> str:
    """A day of the calendar as it is stored."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
        raise not_right(word, "date")
    try:
        return date.fromisoformat(word).isoformat()
    except ValueError:
        raise not_right(word, "date", because=" of the calendar") from None


def number(word: str, value_type: Literal["integer", "number"]) -> int | float:
    """A whole number within what a double holds exactly, or a finite number."""
    if not _NUMBER.fullmatch(word):
        raise not_right(word, value_type)
    if re.fullmatch(r"[+-]?[0-9]+", word):
        whole = int(word)
        if abs(whole) <= GREATEST_INTEGER:
            return whole
        if value_type == "integer":
            raise not_right(word, value_type, because=f" of at most {GREATEST_INTEGER:,}")
    value = float(word)
    if value_type == "integer" or not math.isfinite(value):
        raise not_right(word, value_type, because="" if math.isfinite(value) else " that can be kept")
    return value


def free_value(written: str) -> Any:
    """A value without a type: JSON where it is JSON, else text."""
    word = written.strip()
    if word in {"true", "false", "null"} or _JSON_NUMBER.fullmatch(word) or word[:1] in {'"', "[", "{"}:
        try:
            value = json.loads(word)
        except (ValueError, RecursionError):
            return written
        return value if is_storable(value) else written
    return written


def is_storable(value: Any) -> bool:
    """Whether a JSON value has a form that comes back from the database as it went there: no endless number."""
    match value:
        case float():
            return math.isfinite(value)
        case list():
            return all(map(is_storable, value))
        case dict():
            return all(map(is_storable, value.values()))
    return True


def write_value(value: Any, value_type: str | None = None) -> str:
    """A stored value as somebody would write it: `parse_value` makes the same of it again."""
    if isinstance(value, str):
        if value_type in {"text", "date"} or (value_type is None and free_value(value) == value):
            return value
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False)


def checked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata that can be stored. Raises `TraintuiError` for what JSON or PostgreSQL cannot hold; the database looks
    at the keys, at the types of registered ones, and at the length."""
    for key, value in values.items():
        if not isinstance(key, str):
            raise TraintuiError("Metadata not valid", f"a key is text, not {key!r}.", "Write it as text.")
        if not is_json(value):
            raise TraintuiError(
                "Metadata not valid", f'"{key}" has a value that JSON cannot hold.',
                "Use text, numbers, true or false, lists or objects.",
            )  # fmt: skip
    return dict(values)


def is_json(value: Any) -> bool:
    """Whether a value is made of what JSON has, all of it finite."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and is_json(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_json, value))
    return value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))


def as_value_type(name: str) -> ValueType:
    """The type of a name. Raises `TraintuiError` when there is none."""
    for value_type in VALUE_TYPES:
        if name == value_type:
            return value_type
    raise TraintuiError("Metadata not valid", f'there is no type "{name}".', f"Use {', '.join(VALUE_TYPES)}.")
