"""What is pressed, and how it is written down: a line of JSON for each press, and one for what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from traintui.audit.notes import redacted_note
from traintui.data.records import Turn
from traintui.data.storable import storable

LONGEST = 64_000_000
"""Bytes of the longest line that is read: an edit holds all turns of its conversation."""


@dataclass(frozen=True, slots=True)
class Decision:
    """An approval or a rejection of what was on the screen: `revision` and `decision_id` say what that was.

    `key` makes it one decision however often it is sent; `at` is when it was pressed, `duration_ms` for how long it had
    been seen. Where it was an edit that had not been saved yet, `after` is the key of that edit: what that makes of the
    conversation is what is decided.
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
    after: str | None = None
    kind: Literal["decision"] = "decision"

    def __post_init__(self) -> None:
        """What is written down is what the database can hold, without secrets and personal data."""
        for name in ("reason", "note"):
            object.__setattr__(self, name, redacted_note(storable(getattr(self, name))))


@dataclass(frozen=True, slots=True)
class Edit:
    """Another text of what was on the screen: all turns and the system prompt, as one revision.

    `revision`, `decision_id` and `after` say what was edited, as for a decision; `what` says what becomes of it, for
    people. `passage` is what was written as one text, `written` that text and `instead_of` what stood there: it is a
    draft again if this is refused.
    """

    key: str
    at: datetime
    conversation_id: str
    revision: int
    decision_id: int | None
    system_prompt: str | None
    turns: tuple[Turn, ...]
    what: str
    turn_number: int | None = None
    note: str | None = None
    passage: str = ""
    written: str = ""
    instead_of: str = ""
    after: str | None = None
    kind: Literal["edit"] = "edit"

    def __post_init__(self) -> None:
        """What is written down is what the database can hold; the note without secrets and personal data."""
        for name in ("system_prompt", "written", "instead_of"):
            object.__setattr__(self, name, storable(getattr(self, name)))
        object.__setattr__(self, "note", redacted_note(storable(self.note)))
        turns = tuple(replace(turn, content=storable(turn.content)) for turn in self.turns)
        object.__setattr__(self, "turns", turns)


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


Press = Decision | Edit | Flag | Undo
_LINE: TypeAdapter[Press | Ended] = TypeAdapter(
    Annotated[Decision | Edit | Flag | Undo | Ended, Field(discriminator="kind")]
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
            presses.pop(entry.key, None)  # one that is written again stands where it was written last
            presses[entry.key] = entry
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
