"""What is pressed, and how it is written down: a line of JSON for each press, and one for what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from traintui.data.storable import storable

LONGEST = 1_000_000
"""Bytes of the longest line that is read; a note has 500 characters."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An approval or a rejection of what was on the screen: `revision` and `decision_id` say what that was.

    `key` makes it one decision however often it is sent; `at` is when it was pressed, `duration_ms` for how long it had
    been seen.
    """

    key: str
    at: datetime
    conversation_id: str
    action: Literal["approve", "reject", "reopen"]
    revision: int
    decision_id: int | None
    reason: str | None = None
    note: str | None = None
    turn_number: int | None = None
    duration_ms: int | None = None
    kind: Literal["decision"] = "decision"

    def __post_init__(self) -> None:
        """What is written down is what the database can hold."""
        for name in ("reason", "note"):
            object.__setattr__(self, name, storable(getattr(self, name)))


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag that is set, or taken away."""

    key: str
    at: datetime
    conversation_id: str
    flagged: bool
    kind: Literal["flag"] = "flag"


@dataclass(frozen=True, slots=True)
class Undo:
    """Takes back a row of the log: the one with the id `log_id`, or the one that the press with the key `of` writes."""

    key: str
    at: datetime
    conversation_id: str
    log_id: int | None = None
    of: str | None = None
    kind: Literal["undo"] = "undo"


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of a press: nothing more is to be done about it."""

    key: str
    outcome: Literal["saved", "refused", "withdrawn"]
    kind: Literal["ended"] = "ended"


Press = Decision | Flag | Undo
_LINE: TypeAdapter[Press | Ended] = TypeAdapter(
    Annotated[Decision | Flag | Undo | Ended, Field(discriminator="kind")]
)  # fmt: skip


def line_of(entry: Press | Ended) -> bytes:
    """The line of a press or of its end, with its line feed and no other one."""
    return _LINE.dump_json(entry, exclude_defaults=False) + b"\n"


@dataclass(frozen=True, slots=True)
class Lines:
    """Presses that have not ended, oldest first, and lines that are none."""

    presses: tuple[Press, ...]
    unread: tuple[bytes, ...] = ()


def read_lines(data: bytes) -> Lines:
    """What a file holds. Its last line may be torn: a process that is killed while it writes has not confirmed it."""
    *lines, last = data.split(b"\n")
    presses: dict[str, Press] = {}
    ended: set[str] = set()
    unread: list[bytes] = []
    for line, whole in [*((line, True) for line in lines), (last, False)]:
        entry = _entry(line)
        if isinstance(entry, Ended):
            ended.add(entry.key)
        elif entry is not None:
            presses.setdefault(entry.key, entry)
        elif line.strip() and whole:
            unread.append(line)
    return Lines(waiting(list(presses.values()), ended), tuple(unread))


def waiting(presses: Sequence[Press], ended: set[str]) -> tuple[Press, ...]:
    """Those of the presses that have not ended, in their order."""
    return tuple(press for press in presses if press.key not in ended)


def _entry(line: bytes) -> Press | Ended | None:
    if len(line) > LONGEST:
        return None
    try:
        return _LINE.validate_json(line)
    except ValidationError:
        return None
