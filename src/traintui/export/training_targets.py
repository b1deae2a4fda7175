"""What a workspace trains: the formats of its trainers with their limits, and what counts their tokens. Two rows of
`workspace_settings`; without them nothing is chosen, and tokens are estimated."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traintui.errors import TraintuiError
from traintui.export.formats import FORMATS, Format

if TYPE_CHECKING:
    from traintui.data.engine import Database

PREFIX = "training."
TARGETS, TOKENIZER = f"{PREFIX}targets", f"{PREFIX}tokenizer"

CHOOSABLE = tuple(name for name, format in FORMATS.items() if format.kind == "supervised")
"""Formats that can be chosen. What preference data holds is known only after the review."""
USUAL = ("trl", "axolotl", "llama-factory", "openai")
"""What a conversation is held against where nobody has chosen: those that cut and drop by default, and a cloud."""
MOST_TOKENS = 100_000_000


class BadTarget(TraintuiError):
    """A target that cannot be chosen, or a limit that cannot be."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__("Training target not valid", message, remedy)


@dataclass(frozen=True, slots=True)
class TrainingTarget:
    """A trainer by the name of its format, and its limit in tokens where that is not the default."""

    name: str
    limit: int | None = None

    @property
    def format(self) -> Format:
        """Its format."""
        return FORMATS[self.name]

    @property
    def tokens(self) -> int | None:
        """The limit that counts, in tokens; None where it takes any number."""
        return self.limit or self.format.rules.token_limit

    def __str__(self) -> str:
        return self.name if self.limit is None else f"{self.name}:{self.limit}"


@dataclass(frozen=True, slots=True)
class TrainingTargets:
    """What the workspace chose, the most important first. The path of the tokenizer is one of each machine."""

    chosen: tuple[TrainingTarget, ...] = ()
    tokenizer: Path | None = None

    @property
    def or_usual(self) -> tuple[TrainingTarget, ...]:
        """What was chosen, else the usual ones."""
        return self.chosen or tuple(TrainingTarget(name) for name in USUAL)

    @property
    def first(self) -> str | None:
        """The name of the format that comes first; None where none was chosen."""
        return self.chosen[0].name if self.chosen else None

    def limit_of(self, format: str) -> int | None:
        """The limit that the workspace sets for a format, in tokens; None where that is the default."""
        return next((target.limit for target in self.chosen if target.name == format), None)


NOTHING = TrainingTargets()


def target_of(name: str, limit: Any = None) -> TrainingTarget:
    """A target. Raises `BadTarget` for a format that there is not or that cannot be chosen, or a limit that is no
    number of tokens."""
    if name not in CHOOSABLE:
        if name in FORMATS:
            what = "moves conversations" if FORMATS[name].kind == "own" else "comes from decisions"
            raise BadTarget(f"{name} {what}: nothing can be said of it while one reviews.", _known())
        near = difflib.get_close_matches(name, CHOOSABLE, 1)
        raise BadTarget(f'There is no format "{name}".' + (f" Did you mean {near[0]}?" if near else ""), _known())
    if limit is not None and (type(limit) is not int or not 1 <= limit <= MOST_TOKENS):
        raise BadTarget(
            f'"{limit}" is no limit of {name} in tokens.', f"Give a whole number from 1 to {MOST_TOKENS:,}, or none."
        )
    return TrainingTarget(name, limit)


def _known() -> str:
    return f"There are: {', '.join(CHOOSABLE)}."


def read_target(written: str) -> TrainingTarget:
    """A target as somebody writes it: `trl`, or `trl:4096` with its limit in tokens. Raises `BadTarget`."""
    name, colon, limit = written.strip().partition(":")
    if not colon:
        return target_of(name)
    digits = limit.replace(",", "").replace("_", "")
    return target_of(name, int(digits) if digits.isdecimal() else limit)


def targets_of(chosen: Sequence[TrainingTarget], tokenizer: Path | None = None) -> TrainingTargets:
    """What was chosen as a whole. Raises `BadTarget` when a format is named twice."""
    names = [target.name for target in chosen]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadTarget(f"{twice[0]} is named twice.", "Name each format once.")
    return TrainingTargets(tuple(chosen), tokenizer)


async def read(db: Database) -> TrainingTargets:
    """What the workspace chose. Raises `BadTarget` when somebody has stored what cannot be."""
    from traintui.data import workspace_settings  # the drivers take half a second, and screens know these nouns before

    rows = await workspace_settings.values(db, PREFIX)
    stored, path = rows.get(TARGETS) or [], rows.get(TOKENIZER)
    try:
        chosen = [target_of(each["format"], each.get("limit")) for each in stored]
        return targets_of(chosen, Path(path) if path else None)
    except (BadTarget, TypeError, KeyError, AttributeError) as error:
        said = error.message if isinstance(error, BadTarget) else f"{stored!r} is stored as {TARGETS}."
        raise BadTarget(said, "Choose anew: traintui targets set FORMAT..., or Training targets in the app.") from error


async def change(db: Database, wanted: TrainingTargets) -> None:
    """Has the workspace choose these from now on. Raises `Refused` for who is no administrator."""
    from traintui.data import workspace_settings

    rows = await workspace_settings.values(db, PREFIX)
    targets = [
        {"format": target.name} | ({} if target.limit is None else {"limit": target.limit}) for target in wanted.chosen
    ]
    values: dict[str, Any] = {
        TARGETS: targets or None,
        TOKENIZER: None if wanted.tokenizer is None else str(wanted.tokenizer),
    }
    for key, value in values.items():
        if rows.get(key) != value:
            await workspace_settings.change(db, key, value)


def path_of(typed: str) -> Path | None:
    """The path of a tokenizer as somebody wrote it, None for nothing. One that begins with `~` is below the home of
    whoever counts; any other is made absolute, for it is to mean the same wherever the app is started."""
    written = typed.strip()
    if not written:
        return None
    return Path(written) if written.startswith("~") else Path(written).absolute()
