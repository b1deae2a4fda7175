"""Files as an export writes them, for those who read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from training_records import record_with, turns_of
from traintui.export.containers import opened
from traintui.export.formats import FORMATS, Container, Files
from traintui.export.record import Decision, Revision, Shape, TrainingRecord, shape_of

LONG = "A sentence that is said again and again. " * 2_000


def plain_one(number: int = 1) -> TrainingRecord:
    """Without anything that not every conversation has."""
    return record_with(f"Question {number}?", f"Answer {number}.", conversation_id=f"c-{number}")


def full_one(number: int = 1) -> TrainingRecord:
    """With a system prompt, several exchanges, an answer that is not to be trained on, and all kinds of text."""
    return record_with(
        "Was kostet ein Depot?\r\nUnd \"wann\"?", "Nichts. \u2028 \U0001f600", "2026-11-28", "{\"a\": [1, null]}",
        f"Again {number}?", "مرحبا, \\n is no line end.\n\n- one\n- two",
        untrained=(2,), system_prompt="You are a patient adviser.", conversation_id=f"c-full-{number}",
    )  # fmt: skip


def reviewed_one(number: int = 1, system: str | None = None) -> TrainingRecord:
    """An answer was rejected, edited and approved."""
    return record_with(
        f"Question {number}?", "The better answer.", "More?", "Yes.", conversation_id=f"c-r-{number}", revision=2,
        system_prompt=system, earlier=(Revision(1, system, turns_of(f"Question {number}?", "No.", "More?", "Yes.")),),
        decisions=(Decision("reject", 1, 2, "wrong"), Decision("edit", 2), Decision("approve", 2)),
    )  # fmt: skip


def large() -> list[TrainingRecord]:
    """More than one block of a reader (10 MB), and what only some have stands in the last row."""
    return [record_with(f"Question {number}?", LONG) for number in range(200)] + [full_one()]


def written(
    name: str, records: Sequence[TrainingRecord], folder: Path, container: Container = "jsonl",
    shape: Shape | None = None,
) -> Path:  # fmt: skip
    """The file of an export of these records."""
    format, shape = FORMATS[name], shape or shape_of(records)
    path = folder / f"{name}.{container}"
    with path.open("wb") as file, opened(container, file, format.schema(shape) if format.schema else None) as writer:
        for record in records:
            for row in format.write(record, shape).rows:
                writer.write(row)
    for companion, text in format.companions(Files(path.name, None, container), shape).items():
        (folder / companion).write_text(text, encoding="utf-8")
    return path


def rows(name: str, records: Sequence[TrainingRecord], shape: Shape | None = None) -> list[dict[str, object]]:
    """The rows of that file."""
    shape = shape or shape_of(records)
    return [dict(row) for record in records for row in FORMATS[name].write(record, shape).rows]
