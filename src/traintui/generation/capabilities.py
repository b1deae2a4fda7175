"""What a provider can, and what follows from it. Known from its documentation, from probes, and from ordinary calls.

The SDK is not loaded here: screens, commands and the worker ask the same question.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from traintui import clock
from traintui.data import capabilities as found_capabilities
from traintui.data.capabilities import OF_MODEL, Capability, Found
from traintui.data.engine import Database
from traintui.errors import TraintuiError

if TYPE_CHECKING:
    from traintui.generation.plan import Plan

FRESH = timedelta(days=7)
"""How long what was found counts; then it is asked again: servers are updated, another model is put behind a name."""
SHOWN: dict[Capability, str] = {
    "structured_output": "structured output",
    "count_tokens": "count_tokens",
    "caching": "caching",
    "batches": "batches",
    "rate_limits": "limits named",
}
SIGNS = {True: "✓", False: "✗", None: "?"}
"""Whether something is there; the last for what nobody knows."""
FOLLOWS: dict[Capability, str] = {
    "structured_output": "JSON is asked for in the prompt",
    "count_tokens": "estimates count characters",
    "caching": "prompts are paid in full",
    "batches": "nothing at half price",
    "rate_limits": "asked as much at once as it answers well",
}
"""What it means where a provider cannot."""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What is known of one model at one address."""

    endpoint: str
    model: str
    found: dict[Capability, Found] = field(default_factory=dict)

    def can(self, capability: Capability) -> bool | None:
        """Whether it can; None where nobody knows, or what was found is too old to count."""
        seen = self.fresh(capability)
        if seen is not None:
            return seen.supported
        return True if is_documented(self.endpoint) else None

    def fresh(self, capability: Capability) -> Found | None:
        """What was found of it, unless that is too old to count."""
        seen = self.found.get(capability)
        return seen if seen is not None and clock.now() - seen.found_at < FRESH else None

    @property
    def lacking(self) -> tuple[Capability, ...]:
        """What it is known not to have."""
        return tuple(each for each in SHOWN if self.can(each) is False)


def is_documented(endpoint: str) -> bool:
    """Whether this is an address of which nothing needs to be asked: the Messages API of Anthropic, whose documentation
    promises all of it, and our rehearsal of it.

    A call that shows the contrary counts for more.
    """
    return endpoint == "api.anthropic.com" or (endpoint.split(" ")[0] == "rehearsal" and " like " not in endpoint)


async def known(db: Database, endpoint: str, model: str) -> Capabilities:
    """What is known of a model at an address. Nothing is asked."""
    return of_model(await found_capabilities.of_address(db, endpoint), endpoint, model)


def of_model(found: Iterable[Found], endpoint: str, model: str) -> Capabilities:
    """What was found of an address, as far as it holds for a model."""
    return Capabilities(
        endpoint,
        model,
        {each.capability: each for each in found if each.model == (model if each.capability in OF_MODEL else "")},
    )


def said(capabilities: Capabilities) -> Iterator[tuple[str, bool | None]]:
    """The name of each capability, and whether it is there."""
    for capability, name in SHOWN.items():
        yield name, capabilities.can(capability)


def in_a_line(capabilities: Capabilities) -> str:
    """Each capability with a sign for whether it is there, and what follows from what is lacking."""
    signs = " · ".join(f"{name} {SIGNS[can]}" for name, can in said(capabilities))
    return f"{signs}{': ' if capabilities.lacking else ''}{', '.join(follows(capabilities))}"


def follows(capabilities: Capabilities) -> list[str]:
    """What follows from what is lacking, a few words for each."""
    return [FOLLOWS[each] for each in capabilities.lacking]


async def refuse_impossible(db: Database, plan: Plan, endpoint: str) -> None:
    """Raises `TraintuiError` for a plan that the provider is known not to be able to carry out."""
    if plan.mode == "batches" and (await known(db, endpoint, plan.model)).can("batches") is False:
        raise no_batches(endpoint)


def no_batches(endpoint: str) -> TraintuiError:
    """The answer to a plan for batches at a provider that has none."""
    return TraintuiError(
        "No batches here",
        f"`mode`: {endpoint} has no Message Batches API, so nothing can run at half price there.",
        'Take mode = "calls", or a provider that has it.',
    )
