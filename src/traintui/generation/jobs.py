"""A batch as its worker knows it: what all of its items share, and whose call goes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from traintui.data.records import VocabularyValue
from traintui.generation.plan import Plan
from traintui.generation.prompt import Facet, TemplateText
from traintui.quality.thresholds import Thresholds


class Warming:
    """The first call of a prompt that many share: the others wait until its reply has begun, and find the cache."""

    def __init__(self) -> None:
        self._begun = False
        self._done = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[bool]:
        """The first one goes at once, and is told so; the others when it said that it is `done`, or has ended."""
        if self._begun:
            await self._done.wait()
            yield False
            return
        self._begun = True
        try:
            yield True
        finally:
            self._done.set()

    def done(self) -> None:
        """The cache can be read from now on."""
        self._done.set()


class NothingToAsk(Exception):
    """An item for which there is nothing to call; `reason` says why in one sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Job:
    """What the items of one batch share."""

    id: int
    plan: Plan
    template: TemplateText
    model: str
    is_rehearsal: bool
    facets: dict[tuple[str, str], VocabularyValue]
    thresholds: Thresholds
    warming: Warming = field(default_factory=Warming)

    @property
    def fallback_model(self) -> str | None:
        """What writes when the model refuses."""
        return self.plan.fallback_model

    def model_after(self, failures: Mapping[str, int]) -> str:
        """Who is asked after so many failures of each kind: the fallback, if there is one, once the model declined."""
        return self.plan.fallback_model if failures.get("refusal") and self.plan.fallback_model else self.model

    def facet(self, dimension: str, value: str) -> Facet:
        """A value with the words that people use for it."""
        known = self.facets.get((dimension, value))
        return Facet(value, known.label, known.description) if known else Facet(value, value)
