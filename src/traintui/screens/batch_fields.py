"""The fields of a new batch, and what the form makes of what is typed into them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from traintui import text
from traintui.data.records import TemplateRecord
from traintui.errors import TraintuiError, sentence
from traintui.generation.pricing import Price
from traintui.generation.strategy_names import STRATEGIES
from traintui.widgets.emptiest import BY
from traintui.widgets.form_field import FormField
from traintui.widgets.model_choice import ModelChoice

if TYPE_CHECKING:
    from traintui.generation.strategies import Gaps, Outlook

KEY = re.compile(r"`([a-z_]+)[\w.]*`:?\s*")
"""The key that an error of a plan begins with."""
TEMPLATE = "conversation"
"""The template that comes with Traintui."""
MODES = {"calls": "calls, at once", "batches": "message batches: half the price, within a day"}
"""How a batch can run."""


def field(value: object, name: str, *, placeholder: str = "") -> Input:
    """A field of one line."""
    return Input(str(value), placeholder=placeholder, compact=True, id=name)


def choice(options: Sequence[tuple[str, str]], value: str, name: str) -> Select[str]:
    """A list of which one is chosen."""
    return Select(options, value=value, allow_blank=False, compact=True, id=name)


def opener(said: str, name: str) -> Button:
    """A line that says what is chosen, and opens where it is chosen."""
    return Button(opens(said), compact=True, id=name, classes="opener")


def opens(said: str) -> Content:
    """What is chosen, with the sign of what opens."""
    return Content.assemble(text.shown(said, single_line=True, limit=200), ("  ▸", "$muted"))


def pair_options(pairs: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Pairs of dimensions as a list offers them."""
    return [(f" {BY} ".join(pair), " ".join(pair)) for pair in pairs]


def offer_pairs(field: Select[str], pairs: Sequence[tuple[str, str]]) -> None:
    """Offers the pairs of dimensions that have targets, where there are any; the one that is chosen stays so, in either
    order."""
    if pairs:
        before = set(str(field.value).split())
        options = pair_options(pairs)
        field.set_options(options)
        field.value = next((key for _, key in options if set(key.split()) == before), options[0][1])


def offer_templates(field: Select[str], versions: Sequence[TemplateRecord]) -> None:
    """Offers those that new batches may take; the built-in one is there before it is stored."""
    offered = sorted({each.name for each in versions if each.active})
    if TEMPLATE not in {each.name for each in versions}:
        offered.append(TEMPLATE)
    before = field.value
    field.set_options([(text.visible(name, single_line=True, limit=60), name) for name in offered or [TEMPLATE]])
    if before in offered:
        field.value = before


def fields_of(given: Mapping[str, Any], prices: Sequence[Price]) -> Iterator[FormField]:
    """The fields that every plan needs, filled in with what is given."""
    strategy, template = given["strategy"], given["template"]
    least, most = given["exchanges"]
    budget = given.get("budget_usd")
    yield FormField("Name", field(given["name"], "name-text"), id="name")
    yield FormField(
        "Strategy",
        choice(
            [(f"{name:<12} {about}", name) for name, about in STRATEGIES.items()],
            strategy if strategy in STRATEGIES else "independent", "strategies",
        ),
        id="strategy",
    )  # fmt: skip
    yield FormField(
        "Conversations", field(given.get("count") or "", "count-text", placeholder="as needed"), id="count",
        about="to write",
    )  # fmt: skip
    yield FormField("", Static(id="outlook"), id="looked-out")
    pair = pair_options([given.get("gaps") or ("persona", "emotion")])
    yield FormField("Fills", choice(pair, pair[0][1], "pairs"), id="gaps", about="what lacks most first")
    yield FormField("Model", ModelChoice(given["model"], prices, id="models"), id="model")
    yield FormField("Template", choice([(template, template)], template, "templates"), id="template")
    yield FormField("Written from", opener("◌ reading", "sources"), id="documents")
    yield FormField("Values", opener("◌ reading", "values"), id="dimensions")
    yield FormField(
        "Exchanges", field(least, "least"), Static(" to ", classes="word"), field(most, "most"),
        id="exchanges", about="of question and answer in each",
    )  # fmt: skip
    yield FormField(
        "Budget", field("" if budget is None else budget, "budget", placeholder="none"),
        id="budget_usd", about="USD; it pauses before it costs more",
    )  # fmt: skip
    yield FormField("Seed", field(given["seed"], "seed-text"), id="seed", about="the same seed, the same plan")


def more_fields(given: Mapping[str, Any], prices: Sequence[Price]) -> Iterator[FormField]:
    """The fields that most plans leave as they are."""
    yield FormField(
        "Runs as", choice([(about, mode) for mode, about in MODES.items()], given.get("mode") or "calls", "modes"),
        id="mode",
    )  # fmt: skip
    yield FormField(
        "Priority", field(given.get("priority") or 0, "priority-text"), id="priority",
        about="a higher one is written first",
    )  # fmt: skip
    yield FormField(
        "If refused",
        ModelChoice(given.get("fallback_model"), prices, none="it fails; no other model is asked", id="fallbacks"),
        id="fallback_model",
    )  # fmt: skip
    yield FormField(
        "Judged by", ModelChoice(given.get("judge_model"), prices, none="nobody; the score alone", id="judges"),
        id="judge_model",
    )  # fmt: skip


UNUSUAL: Mapping[str, object] = {"mode": "calls", "priority": 0, "fallback_model": None, "judge_model": None}
"""The fields of `more_fields`, with what they are where nobody changed them."""


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
        {key: given[key] for key in ("strategy", "count", "seed", "dimensions", "gaps") if key in given}
        | {"name": "-"},
        source="",
    )
    return outlook(plan, drawn(plan, vocabulary), gaps)


def outlook_said(found: Outlook, *, counted: bool) -> str:
    """What a strategy makes of a plan, in words; `counted` says that the person gave the number."""
    pairs = f"all {found.pairs:,}" if found.covered == found.pairs else f"{found.covered} of {found.pairs:,}"
    covered = "" if found.covered is None else f"{pairs} pairs · "
    return f"{'' if counted else f'{found.count:,}: '}{covered}{found.combinations:,} combinations"
