"""What a format is: a pure function from the canonical record to rows, and what is known of those who read them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from traintui.export.record import Shape, TrainingRecord
from traintui.export.rules import TargetRules

Row = Mapping[str, Any]
Container = Literal["jsonl", "json", "parquet", "csv"]
Kind = Literal["supervised", "preference", "own"]
Column = str | list[Any] | dict[str, Any]
"""The type of a column: "string", "bool" or "int64", a list with the type of its items, or names with their types."""
Schema = Mapping[str, Column]


@dataclass(frozen=True, slots=True)
class Written:
    """The rows that a record gives, and why it gives none, or fewer than one might think, in sentences."""

    rows: tuple[Row, ...]
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """The files of an export that companions speak of: names without a directory, all in one container."""

    train: str
    eval: str | None = None
    container: Container = "jsonl"

    @property
    def dataset(self) -> str:
        """The name of the dataset: that of the file, without its suffixes."""
        return self.train.split(".", 1)[0] or self.train


Write = Callable[[TrainingRecord, Shape], Written]
SchemaOf = Callable[[Shape], Schema]
Companions = Callable[[Files, Shape], Mapping[str, str]]


def no_companions(_files: Files, _shape: Shape) -> Mapping[str, str]:
    """Nothing beside the file."""
    return {}


@dataclass(frozen=True, slots=True)
class Format:
    """A format of training files.

    `version` counts up when the same record gives other bytes. `write` gives the rows of a record in an export of a
    shape, with their keys in order; `schema` the columns that all of them have, in that order; None where the keys of a
    row depend on it. `containers` are those that the target reads, the usual one first. `companions` gives the text of
    the files that go beside it, by name. `honours_train` says whether the target knows that a turn is not to be trained
    on.
    """

    name: str
    title: str
    version: int
    kind: Kind
    write: Write
    schema: SchemaOf | None
    containers: tuple[Container, ...]
    rules: TargetRules
    honours_train: bool = False
    companions: Companions = no_companions

    def containers_for(self, shape: Shape) -> tuple[Container, ...]:
        """Those that can hold an export of this shape: CSV has no lists."""
        if self.schema is None:
            return self.containers
        flat = all(isinstance(column, str) for column in self.schema(shape).values())
        return tuple(name for name in self.containers if flat or name != "csv")
