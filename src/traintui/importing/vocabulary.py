"""Vocabularies in TOML: one table per value, under the name of its dimension."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from traintui.data.records import COLOURS, VocabularyValue
from traintui.errors import TraintuiError
from traintui.importing.files import decode, read_bytes

MOST_BYTES = 1_000_000
DIMENSIONS = ("persona", "emotion", "topic", "intent", "tone")
"""The dimensions whose values a workspace chooses; a tier's are fixed."""


class Entry(BaseModel):
    """One value as it is written in a file."""

    model_config = ConfigDict(extra="forbid")

    value: str = Field(pattern=r"^[a-z0-9][a-z0-9_]{0,62}$")
    label: str = Field(min_length=1, max_length=80)
    description: str = Field(default="", max_length=500)
    colour: str | None = Field(default=None, pattern=rf"^(#[0-9a-fA-F]{{6}}|{'|'.join(COLOURS)})$")
    keywords: tuple[str, ...] = ()


def read_vocabulary(path: Path) -> tuple[VocabularyValue, ...]:
    """The values of a file, in its order. Raises `TraintuiError` with the place of the first mistake."""
    try:
        tables = tomllib.loads(decode(path, read_bytes(path, limit=MOST_BYTES)))
    except tomllib.TOMLDecodeError as error:
        raise mistake(path, f"it is not valid TOML ({error})") from error
    return tuple(value for dimension, entries in tables.items() for value in values_of(path, dimension, entries))


def values_of(path: Path, dimension: str, entries: Any) -> list[VocabularyValue]:
    """The values of one dimension."""
    if dimension not in DIMENSIONS:
        raise mistake(path, f"there is no dimension {dimension[:40]!r}; there are {', '.join(DIMENSIONS)}")
    if not isinstance(entries, list):
        raise mistake(path, f"{dimension} is not a list of tables")
    read = []
    for position, entry in enumerate(entries):
        try:
            given = Entry.model_validate(entry)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            key = ".".join(str(part) for part in first["loc"]) or "entry"
            raise mistake(path, f"{dimension} number {position + 1}, {key}: {first['msg']}") from error
        read.append(VocabularyValue(dimension, **given.model_dump(), position=position))
    return read


def mistake(path: Path, what: str) -> TraintuiError:
    return TraintuiError(
        "Vocabulary not imported",
        f"{path}: {what}.",
        "Write a table per value: [[persona]], value = 'busy_parent', label = 'Busy parent'. Nothing was stored.",
    )


def starter_path() -> Path:
    """The vocabulary that a workspace begins with, to be changed and added to."""
    return Path(str(resources.files("traintui.importing"))) / "starter.toml"
