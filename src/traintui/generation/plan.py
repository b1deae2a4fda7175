"""What to generate: the plan a person writes."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from traintui.errors import TraintuiError
from traintui.generation.meant import nearest
from traintui.generation.strategy_names import COUNTING, STRATEGIES, Strategy

Dimension = Literal["persona", "emotion", "topic", "intent", "tone", "tier"]
Tier = Literal["template", "scenario", "edge_case"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
TIERS: tuple[Tier, ...] = get_args(Tier)

MOST_CONVERSATIONS = 100_000
MOST_EXCHANGES = 20

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(?:.*\S)?$")]
Weights = dict[str, float]
"""Dimension value to weight. Weights compare with each other, they need not add up to anything."""


class Plan(BaseModel):
    """What to generate with which model. A dimension that is not named takes every active value alike."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    model: Name = "claude-sonnet-5-5"
    strategy: Strategy = Field(default="independent", description="How values are combined.")
    count: Annotated[int, Field(strict=True, ge=1, le=MOST_CONVERSATIONS)] | None = Field(
        default=None, validate_default=True, description="Conversations to generate; some strategies need none."
    )
    seed: StrictInt = Field(default=0, ge=-(2**63), lt=2**63, description="The same seed gives the same conversations.")
    documents: tuple[Name, ...] = Field(default=(), description="Names of the documents to write from; none means all.")
    chunks: tuple[StrictInt | Name, ...] = Field(
        default=(), description="Chunks to write from, by number or as `document > heading`."
    )
    dimensions: dict[Dimension, Weights] = Field(default_factory=dict)
    exchanges: tuple[StrictInt, StrictInt] = Field(default=(2, 4), description="Least and most exchanges.")
    max_tokens: StrictInt = Field(default=4096, ge=1, le=128_000, description="Room for one reply, thinking included.")
    effort: Literal["low", "medium", "high"] = Field(default="medium", description="How long the model thinks first.")
    template: Name = "conversation"
    mode: Literal["calls", "batches"] = Field(
        default="calls", description="`batches` runs at half price through the Message Batches API, within a day."
    )
    slots: StrictInt = Field(default=4, ge=1, le=256, description="Calls in flight at a time.")
    budget_usd: Decimal | None = Field(default=None, gt=0, description="The batch stops before it costs more.")
    fallback_model: Name | None = Field(default=None, description="What writes when the model refuses.")
    judge_model: Name | None = Field(default=None, description="What judges each conversation once it is written.")
    gaps: tuple[Dimension, Dimension] | None = Field(
        default=None, description="The two dimensions whose targets gaps fills; none means those that have targets."
    )
    priority: StrictInt = Field(default=0, ge=-1000, le=1000, description="A higher one is generated first.")

    @field_validator("count")
    @classmethod
    def _count_unless_the_strategy_counts(cls, given: int | None, info: ValidationInfo) -> int | None:
        if given is None and info.data.get("strategy", "product") not in COUNTING:
            raise PydanticCustomError("missing", "Field required")
        return given

    @field_validator("dimensions", mode="before")
    @classmethod
    def _lists_are_even_weights(cls, given: object) -> object:
        if not isinstance(given, Mapping):
            return given
        return {dimension: _weights(values) for dimension, values in given.items()}

    @field_validator("dimensions")
    @classmethod
    def _weights_are_positive(cls, given: dict[Dimension, Weights]) -> dict[Dimension, Weights]:
        for dimension, weights in given.items():
            for value, weight in weights.items():
                if not (math.isfinite(weight) and weight > 0):
                    raise ValueError(f"the weight of {value!r} in {dimension} must be a number above 0")
        for tier in given.get("tier", {}):
            if tier not in TIERS:
                raise ValueError(f"{tier!r} is not a tier{nearest(tier, TIERS)}")
        return {dimension: weights for dimension, weights in given.items() if weights}

    @field_validator("gaps")
    @classmethod
    def _gaps_are_of_two(cls, given: tuple[Dimension, Dimension] | None) -> tuple[Dimension, Dimension] | None:
        if given is not None and given[0] == given[1]:
            raise ValueError('name two different dimensions, as in ["topic", "tone"]')
        return given

    @field_validator("exchanges")
    @classmethod
    def _exchanges_make_a_range(cls, given: tuple[int, int]) -> tuple[int, int]:
        least, most = given
        if not 1 <= least <= most <= MOST_EXCHANGES:
            raise ValueError(f"give the least and the most exchanges, from 1 to {MOST_EXCHANGES}, as in [2, 4]")
        return given


def _weights(values: object) -> object:
    """A list of values as a table in which all weigh alike."""
    if isinstance(values, str) or not isinstance(values, Sequence):
        return values
    if not all(isinstance(value, str) for value in values):
        return values
    twice = sorted({value for value in values if values.count(value) > 1})
    if twice:
        raise ValueError(f"{twice[0]!r} is listed twice; give a table with weights instead")
    return dict.fromkeys(values, 1.0)


def load_plan(path: Path, changes: Mapping[str, Any] | None = None) -> Plan:
    """The plan in a TOML file, with the keys of `changes` instead of its own.

    Raises `TraintuiError` that names the key, what is wrong with it, and the nearest key or value that would be right.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        raise TraintuiError("Plan not read", f"{path} is not valid TOML: {error}.", "Mend that place.") from error
    except UnicodeDecodeError as error:
        raise TraintuiError("Plan not read", f"{path} is not UTF-8 text.", "Save the file as UTF-8.") from error
    except OSError as error:
        raise TraintuiError(
            "Plan not read", f"{path} cannot be read: {error.strerror}.", "Check the path and who may read it."
        ) from error
    return parse_plan(given | dict(changes or {}), source=str(path))


def parse_plan(given: Mapping[str, Any], *, source: str = "The plan") -> Plan:
    """The plan that a table describes: parsed TOML, or a stored plan's JSON.

    Raises `TraintuiError` as `load_plan` does; `source` names the origin in it.
    """
    try:
        return Plan.model_validate(given)
    except ValidationError as error:
        mistakes = error.errors(include_url=False, include_input=True)
        # An unknown key is usually a misspelt one, and then the missing key is only its shadow.
        mistakes.sort(key=lambda mistake: mistake["type"] != "extra_forbidden")
        more = f" ({len(mistakes) - 1} more after this one.)" if len(mistakes) > 1 else ""
        wrong, remedy = _explained(cast("dict[str, Any]", mistakes[0]))
        raise TraintuiError("Plan not understood", f"{source}: {wrong}{more}", remedy) from error


def _explained(mistake: dict[str, Any]) -> tuple[str, str]:
    """What is wrong with one key, and what to do."""
    place = [str(part) for part in mistake["loc"] if part != "[key]"]
    key = ".".join(place)
    if mistake["type"] == "extra_forbidden":
        if key in DIMENSIONS:
            return (
                f"`{key}` is a dimension and belongs into the table of them.",
                f"Move it below `[dimensions]`: {key}.",
            )
        keys = list(Plan.model_fields)
        return f"`{key}` is not a key of a plan{nearest(key, keys)}", f"The keys are: {', '.join(keys)}."
    if place[0] == "dimensions" and "[key]" in mistake["loc"]:
        return f"`{key}` is not a dimension{nearest(place[-1], DIMENSIONS)}", f"They are: {', '.join(DIMENSIONS)}."
    if place[0] == "dimensions" and mistake["type"] in ("dict_type", "mapping_type"):
        form = 'Write `persona = ["a", "b"]`, or a table `a = 3` when one should come more often.'
        return f"`{key}` must be a list of values or a table of value = weight.", form
    if place[0] == "gaps" and mistake["type"] != "value_error":
        known = ", ".join(DIMENSIONS)
        return '`gaps`: name two dimensions, as in ["topic", "tone"].', f"They are: {known}."
    if mistake["type"] == "missing":
        return f"`{key}` is missing.", f"Add a line `{key} = ...`."
    if key == "strategy":
        known = ", ".join(STRATEGIES)
        return f"`strategy`: {mistake['input']!r} is no strategy{nearest(str(mistake['input']), STRATEGIES)}", (
            f"Take one of: {known}."
        )
    if place[0] == "chunks":
        return "`chunks`: each is the number of a chunk, or a text as in 'fees > Overdraft'.", "Change `chunks`."
    if mistake["type"] == "string_pattern_mismatch":
        return f"`{key}` must be one line without blanks around it.", f"Change `{key}`."
    said = str(mistake["msg"]).removeprefix("Value error, ").removeprefix("Input ").removeprefix("String ")
    said = said if re.search(r"[.?]$", said) else f"{said}."
    return f"`{key}`: {said}", f"Change `{key}`."
