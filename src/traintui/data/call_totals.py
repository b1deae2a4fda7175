"""What calls cost by template, model, person or day: what is certain, what is not, what a rehearsal never billed."""

from __future__ import annotations

from collections.abc import AsyncIterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from datetime import tzinfo as TimeZone
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import func

from traintui.data.engine import Database
from traintui.data.filters import Filter
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_lines import rows_of, streamed
from traintui.data.log_models import GenerationLog as L
from traintui.data.models import Template

By = Literal["template", "day", "model", "user"]
NAMES: dict[By, Any] = {
    "template": func.concat(Template.name, "@", func.coalesce(L.template_version, Template.version)),
    "day": L.created_at,
    "model": L.model,
    "user": L.requested_by,
}
"""What calls are put together by."""


def columns(by: By) -> Sequence[Any]:
    """What `added_up` takes of each call."""
    return (
        NAMES[by], L.id, L.state, L.late_reply_to, L.cost_usd, func.coalesce(L.output_tokens, 0),
        func.coalesce(L.input_tokens, 0) + func.coalesce(L.output_tokens, 0), L.is_rehearsal,
    )  # fmt: skip


@dataclass(slots=True)
class Totals:
    """The calls of one name. `cost_usd` is what was billed, `uncertain_usd` what calls of unknown end cost at most,
    `rehearsal_usd` what the rehearsal would have cost, which nobody pays; `unpriced` calls have no known price."""

    name: str
    calls: int = 0
    failed: int = 0
    tokens: int = 0
    cost_usd: Decimal = field(default=Decimal(0))
    uncertain_usd: Decimal = field(default=Decimal(0))
    rehearsal_usd: Decimal = field(default=Decimal(0))
    unpriced: int = 0

    @property
    def all_usd(self) -> Decimal:
        """Certain or not, paid or not."""
        return self.cost_usd + self.uncertain_usd + self.rehearsal_usd

    def add(self, state: str, cost: Decimal | None, written: int, tokens: int, *, is_rehearsal: bool) -> None:
        """Adds a call."""
        self.calls += 1
        self.failed += state in {"error", "unknown"}
        self.tokens += tokens
        self.unpriced += cost is None and state != "sending" and (state == "unknown" or written > 0)
        if is_rehearsal:
            self.rehearsal_usd += cost or 0
        elif state == "unknown":
            self.uncertain_usd += cost or 0
        else:
            self.cost_usd += cost or 0

    def __add__(self, other: Totals) -> Totals:
        """All calls of both, under the name of this one."""
        return Totals(
            self.name, self.calls + other.calls, self.failed + other.failed, self.tokens + other.tokens,
            self.cost_usd + other.cost_usd, self.uncertain_usd + other.uncertain_usd,
            self.rehearsal_usd + other.rehearsal_usd, self.unpriced + other.unpriced,
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """It as plain values; money as text, so that no digit is lost."""
        money = ("cost_usd", "uncertain_usd", "rehearsal_usd")
        return {"name": self.name, "calls": self.calls, "failed": self.failed, "tokens": self.tokens,
                "unpriced": self.unpriced, **{each: str(getattr(self, each)) for each in money}}  # fmt: skip


async def call_totals(db: Database, wanted: Filter, by: By, *, zone: TimeZone | None = None) -> Sequence[Totals]:
    """What the calls of the log that a filter names add up to: the dearest first, days in their order, on the wall of
    who asks (`zone` None is the system's). They pass by in portions, one by one."""
    return await added_up(streamed(db, rows_of(GENERATIONS, columns(by), wanted)), by, zone=zone)


async def added_up(portions: AsyncIterable[Sequence[Any]], by: By, *, zone: TimeZone | None = None) -> Sequence[Totals]:
    """Calls added up by their names. One of unknown end whose reply came late is not counted, since the reply is: those
    come after their replies, for the newest come first."""
    found: dict[str, Totals] = {}
    replied: set[int] = set()
    async for portion in portions:
        for named, id, state, late_reply_to, cost, written, tokens, is_rehearsal in portion:
            if late_reply_to is not None:
                replied.add(late_reply_to)
            if state == "unknown" and id in replied:
                continue
            name = day_of(named, zone) if by == "day" else named
            name = "none" if name in {None, "@"} else str(name)
            totals = found.setdefault(name, Totals(name))
            totals.add(state, cost, written, tokens, is_rehearsal=is_rehearsal)
    if by == "day":
        return [found[name] for name in sorted(found)]
    return sorted(found.values(), key=lambda each: (-each.all_usd, each.name))


def day_of(at: datetime, zone: TimeZone | None) -> date:
    """The day of a moment on the wall of who asks."""
    return at.astimezone(zone).date()
