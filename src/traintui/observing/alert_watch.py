"""When what is seen becomes an alert, and when that is over: never at a first sight, and by a bound of its own, so that
nothing comes and goes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from traintui.data.alert_records import Alert
from traintui.observing.alert_kinds import KINDS
from traintui.observing.alert_rules import Sighting

Key = tuple[str, str]
DAY = 86_400.0
SOON = 60.0
"""Seconds up to which another look is taken before the next sample."""
STALE = timedelta(hours=1)
"""How long ago a look is no more the one before this."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What a look comes to: alerts to open, those that go on with their newest figures, and those that are over.
    `waits` says that something was seen that is no alert yet: it is worth another look soon."""

    opened: tuple[Sighting, ...]
    kept: tuple[tuple[Alert, Sighting], ...]
    over: tuple[Alert, ...]
    waits: bool


class Watch:
    """Remembers since when something is seen, and since when it is not."""

    def __init__(self) -> None:
        self._seen: dict[Key, datetime] = {}
        self._gone: dict[Key, datetime] = {}
        self._last: datetime | None = None

    def step(self, now: datetime, sightings: Iterable[Sighting], alerts: Iterable[Alert]) -> Turned:
        """The next look; `alerts` are those that are not over."""
        if self._last is not None and now - self._last > STALE:  # another process looked meanwhile, or this one slept
            self._seen, self._gone = {}, {}
        self._last = now
        seen = {sighting.key: sighting for sighting in sightings}
        there = {(alert.kind, alert.subject): alert for alert in alerts}
        opened, waits = [], False
        wanted = {key: each for key, each in seen.items() if each.opens and key not in there}
        self._seen = {key: self._seen.get(key, now) for key in wanted}
        for key, sighting in wanted.items():
            kind = KINDS[sighting.kind]
            since = self._seen[key]
            if not kind.opens_after or (since < now and (now - since).total_seconds() >= kind.opens_after):
                opened.append(sighting)
            else:
                waits = waits or kind.opens_after < SOON
        gone = {key for key in there if key not in seen}
        self._gone = {key: self._gone.get(key, now) for key in gone}
        over = tuple(
            there[key] for key, since in self._gone.items() if (now - since).total_seconds() >= clears_after(key[0])
        )
        kept = tuple((alert, seen[key]) for key, alert in there.items() if key in seen)
        return Turned(tuple(opened), kept, over, waits)


def clears_after(kind: str) -> float:
    """Seconds without it before an alert is over. What this version does not know, a newer one may still see."""
    known = KINDS.get(kind)
    return DAY if known is None else known.clears_after
