"""What the score asks for. Each threshold is a row of `workspace_settings`; one that has none is at its default."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from traintui.data import workspace_settings
from traintui.data.engine import Database
from traintui.errors import TraintuiError

PREFIX = "score."
"""What the keys of the settings begin with."""

Weight = Annotated[Decimal, Field(ge=0, le=100)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1, le=100_000)]
Counts = tuple[Count, Count]


class BadThreshold(TraintuiError):
    """A threshold that is not known, or whose value is not valid."""


class Thresholds(BaseModel):
    """The weights of the parts and what is good in each. A part whose weight is 0 is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    turn_count_weight: Weight = Decimal("1.25")
    turn_length_weight: Weight = Decimal("1.5")
    structure_weight: Weight = Decimal("2.5")
    grounding_weight: Weight = Decimal("1.75")
    repetition_weight: Weight = Decimal(1)
    closeness_weight: Weight = Decimal("1.25")
    language_weight: Weight = Decimal("0.75")

    usual_turns: Counts = (2, 20)
    """Turns of a conversation without a plan."""
    user_words: Counts = (3, 150)
    """Words of a turn that are sensible; at the edges a turn has 70 % of the points."""
    user_words_best: Counts = (8, 60)
    assistant_words: Counts = (12, 350)
    assistant_words_best: Counts = (40, 160)
    words_supported: Annotated[float, Field(gt=0, le=1)] = 0.8
    """The share of the answers' content words that the source has to support; the rest is courtesy."""
    grounding_good: Share = 0.7
    repetition_good: Share = 0.08
    repetition_worst: Share = 0.5
    """The share of phrases said before at which no point is left."""
    closeness_good: Share = 0.5
    closeness_worst: Share = 0.9
    """How much alike with another conversation leaves no point."""
    language_good: Share = 0.9
    """The share of turns in the source's language."""

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        for name in ("usual_turns", "user_words", "user_words_best", "assistant_words", "assistant_words_best"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name} begins with more than it ends with")
        for role in ("user", "assistant"):
            outer, inner = getattr(self, f"{role}_words"), getattr(self, f"{role}_words_best")
            if not outer[0] <= inner[0] <= inner[1] <= outer[1]:
                raise ValueError(f"{role}_words_best does not lie inside of {role}_words")
        for part in ("repetition", "closeness"):
            if getattr(self, f"{part}_good") >= getattr(self, f"{part}_worst"):
                raise ValueError(f"{part}_good is not less than {part}_worst")
        if not any(getattr(self, name) for name in type(self).model_fields if name.endswith("_weight")):
            raise ValueError("every weight is 0")
        return self


DEFAULTS = Thresholds()


def thresholds_of(settings: Mapping[str, Any]) -> Thresholds:
    """The thresholds that the settings say, by name. Raises `BadThreshold` for an unknown or a bad one."""
    for name in settings:
        known(name)
    try:
        return Thresholds.model_validate(settings)
    except ValidationError as error:
        (problem, *_) = error.errors(include_url=False)
        name = str(problem["loc"][0]) if problem["loc"] else ""
        said = f"{name} is {problem['input']!r}: " if name else ""
        raise BadThreshold(
            "Threshold not valid",
            f"{said}{problem['msg'].removeprefix('Value error, ').removesuffix('.')}.",
            f"Its default is {plain(name)}: traintui threshold reset {name}."
            if name
            else "Choose another value, or take one of them back: traintui threshold reset NAME.",
        ) from error


def known(name: str) -> str:
    """The name of a threshold. Raises `BadThreshold` when there is none such."""
    if name in Thresholds.model_fields:
        return name
    near = difflib.get_close_matches(name, Thresholds.model_fields, 1)
    raise BadThreshold(
        "Threshold not known",
        f'There is no threshold "{name}".' + (f" Did you mean {near[0]}?" if near else ""),
        "`traintui threshold list` shows all.",
    )


def plain(name: str, thresholds: Thresholds = DEFAULTS) -> Any:
    """The value of a threshold as JSON has it."""
    value = getattr(thresholds, name)
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, tuple) else value


async def read(db: Database) -> Thresholds:
    """The thresholds of the workspace. Raises `BadThreshold` when somebody has stored an unknown or a bad one."""
    return thresholds_of(await stored(db))


async def stored(db: Database) -> dict[str, Any]:
    """The thresholds that are not at their default, as they were stored."""
    rows = await workspace_settings.values(db, PREFIX)
    return {key.removeprefix(PREFIX): value for key, value in rows.items() if value is not None}


async def change(db: Database, name: str, value: Any) -> None:
    """Sets one threshold for everybody; None takes it back to its default. It counts for what is scored from now on.

    Raises `BadThreshold` when it is unknown, or does not fit with the others, and `Refused` for who may not.
    """
    others = await stored(db)
    if value is None:
        if others.pop(name, None) is None:
            known(name)
            return
    else:
        others[known(name)] = value
        thresholds_of({name: value} if await _is_broken(db) else others)
    await workspace_settings.change(db, PREFIX + name, value)


async def _is_broken(db: Database) -> bool:
    """Whether what is stored is not valid: then each of them can be mended alone."""
    try:
        await read(db)
    except BadThreshold:
        return True
    return False
