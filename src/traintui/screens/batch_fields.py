"""What the form of a new batch makes of what is typed into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.widgets import Input

from traintui import text
from traintui.errors import TraintuiError
from traintui.generation.pricing import Price
from traintui.widgets.notice import sentence

if TYPE_CHECKING:
    from traintui.generation.strategies import Gaps, Outlook

KEY = re.compile(r"`([a-z_]+)[\w.]*`:?\s*")
"""The key that an error of a plan begins with."""


def offer(price: Price) -> str:
    """A model with its price."""
    given, written = (f"${text.plain(rate)}" for rate in (price.rates.input, price.rates.output))
    return f"{price.model:<17} {given:>5} in {written:>5} out, per million"


def field(value: object, name: str, *, placeholder: str = "") -> Input:
    """A field of one line."""
    return Input(str(value), placeholder=placeholder, compact=True, id=name)


def number(written: str) -> int | float | str:
    """What was typed as a number, or as it is where it is none; the plan says what is wrong with it then."""
    for kind in (int, float):
        try:
            return kind(written.strip())
        except ValueError:
            continue
    return written


def reason(error: TraintuiError) -> str:
    """What is wrong, without the key that it is wrong at."""
    return sentence(KEY.sub("", error.message.removeprefix(": "), count=1))


def looked_out(given: Mapping[str, Any], vocabulary: Mapping[str, tuple[str, ...]], gaps: Gaps | None) -> Outlook:
    """What the strategy makes of a plan as it is filled in. Raises `TraintuiError` for what contradicts it."""
    from traintui.generation.plan import parse_plan
    from traintui.generation.planned import drawn
    from traintui.generation.strategies import outlook

    plan = parse_plan(
        {key: given[key] for key in ("strategy", "count", "seed", "dimensions")} | {"name": "-"}, source=""
    )
    return outlook(plan, drawn(plan, vocabulary), gaps)
