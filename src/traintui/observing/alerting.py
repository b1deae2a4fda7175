"""Alerts as they are found: what is wrong is looked for beside each sample, opened, kept up to date, and cleared."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from traintui.data import alert_context, alert_facts, alerts, health, query_times
from traintui.data.alert_records import Alert, AlertFacts, CallWindow, DiskAt, TakenHook
from traintui.data.engine import Database
from traintui.observing import alert_hook
from traintui.observing.alert_kinds import KINDS, sentence, to_do
from traintui.observing.alert_rules import FORECAST, NEW_PLAN, LabelWatch, Sighting, of_disk, of_plans, of_server
from traintui.observing.alert_watch import Watch
from traintui.observing.latency import WINDOW

LOOKS_BACK = timedelta(days=8)
"""How far back windows are read at first: the week that is normal, and a day."""
PLAN_WINDOWS = int(timedelta(days=2) / WINDOW)
"""Windows of a label that are kept to compare plans by."""
LATER = timedelta(minutes=2)
"""How long after its end a window is added up."""
AROUND = timedelta(hours=24)
"""How long before an alert a change may have to do with it."""
MOST_CHANGED = 0.1
"""Share by which figures may change before they are written down again."""


class Alerting:
    """What is wrong with a workspace, look by look. One process at a time has one: that which samples."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._watch = Watch()
        self._labels: dict[str, LabelWatch] = {}
        self._recent: defaultdict[str, deque[CallWindow]] = defaultdict(lambda: deque(maxlen=PLAN_WINDOWS))
        self._newest: datetime | None = None
        self._most_ms = 0.0
        self._window = -1
        self._of_windows: tuple[Sighting, ...] = ()
        self._sizes: tuple[DiskAt, ...] = ()

    async def look(self, holder: str) -> bool:
        """Looks once, and writes down what turned. Whether something was seen that the next look will tell of: it is
        worth one soon. Raises `TraintuiError` as the database does, and for who does not hold the lease."""
        facts = await alert_facts.facts(self._db)
        there = await alerts.read(self._db)
        window = int((facts.at - LATER).timestamp() // WINDOW.total_seconds())
        if window != self._window:
            self._of_windows = await self._look_at_windows(facts, there)
            self._window = window
        seen = (*of_server(facts), *self._of_windows, *await self._look_at_the_disk(facts))
        turned = self._watch.step(facts.at, seen, there)
        for sighting in turned.opened:
            await self._open(holder, sighting, facts.at)
        for alert, sighting in turned.kept:
            if has_changed(alert.evidence, sighting.evidence):
                says = sentence(sighting.kind, sighting.subject, sighting.evidence)
                await alerts.keep(self._db, holder, alert.id, says, dict(sighting.evidence))
        for alert in turned.over:
            await alerts.clear(self._db, holder, alert.id)
        return turned.waits

    async def _look_at_windows(self, facts: AlertFacts, there: Sequence[Alert]) -> tuple[Sighting, ...]:
        db, now = self._db, facts.at
        await alert_facts.note_windows(db)
        most_ms = float(await query_times.slow_ms(db))
        if most_ms != self._most_ms:
            self._labels, self._newest, self._most_ms = {}, None, most_ms
            self._recent.clear()
        came = await alert_facts.windows(db, self._newest or now - LOOKS_BACK)
        await asyncio.to_thread(self._add, came)
        self._sizes = await alert_facts.disk(db, now - FORECAST)
        also = [each.subject for each in there if each.kind == "plan_changed"]
        plans = await alert_facts.changed_plans(db, now - NEW_PLAN, also)
        rows = await health.expected_rows(db) if plans else {}
        return (
            *(sighting for label, watch in self._labels.items() for sighting in watch.sightings(label, now)),
            *of_plans(plans, rows, self._recent, now),
        )

    async def _look_at_the_disk(self, facts: AlertFacts) -> tuple[Sighting, ...]:
        """By the newest sample: a disk that has nothing left is told before the next quarter of an hour is over."""
        last = await alert_facts.newest_disk(self._db, facts.at - FORECAST)
        if last is None:
            return ()
        return tuple(of_disk((*(each for each in self._sizes if each.at < last.at), last)))

    def _add(self, came: Mapping[str, Sequence[CallWindow]]) -> None:
        for label, windows in came.items():
            watch = self._labels.setdefault(label, LabelWatch(self._most_ms))
            for window in windows:
                watch.add(window)
                self._recent[label].append(window)
        newest = [windows[-1].begins_at for windows in came.values()]
        self._newest = max([*newest, *([self._newest] if self._newest else [])], default=None)

    async def _open(self, holder: str, sighting: Sighting, now: datetime) -> None:
        kind, evidence = KINDS[sighting.kind], dict(sighting.evidence)
        label = evidence.get("label") or (sighting.subject if sighting.kind in OF_LABELS else None)
        around = [each.as_json() for each in await alert_context.changes(self._db, now - AROUND, now, label)]
        says = sentence(sighting.kind, sighting.subject, evidence)
        await alerts.open_one(
            self._db, holder, sighting.kind, sighting.subject, kind.severity, says, evidence, around
        )  # fmt: skip


async def tell(db: Database) -> int:
    """Runs the hook for what opened or cleared and no process told yet, where this machine confirmed it; for how many.
    Raises `TraintuiError` as the database does: what is not noted then is told again."""
    command = await alert_hook.of_workspace(db)
    if command is None or not await alert_hook.is_confirmed(db, command):
        return 0
    taken = await alerts.take_hooks(db)
    found = await alerts.of_ids(db, [each.alert_id for each in taken]) if taken else {}

    async def one(hook: TakenHook) -> None:
        alert = found[hook.alert_id]
        if hook.event == "opened" and alert.state == "cleared":  # as it was when it opened
            alert = replace(alert, state="open", cleared_at=None)
        said = {"event": hook.event, "workspace": db.label, "alert": as_json(alert)}
        await alerts.note_hook(db, hook.id, f"{hook.event}: the hook {await alert_hook.run(command, said)}")

    for event in ("opened", "cleared"):
        await asyncio.gather(*(one(hook) for hook in taken if hook.event == event))
    return len(taken)


OF_LABELS = frozenset({"slower", "too_long", "failing"})
"""Kinds whose subject is a label."""


def has_changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Whether figures changed enough to be written down again: an alert that lasts is not written each minute."""
    if before.keys() != now.keys():
        return True
    for name, value in now.items():
        then = before[name]
        if isinstance(value, int | float) and isinstance(then, int | float):
            if abs(value - then) > MOST_CHANGED * max(abs(then), 1e-9):
                return True
        elif value != then:
            return True
    return False


def as_json(alert: Alert) -> dict[str, Any]:
    """An alert for other programs: with what it means and what to do."""
    known = KINDS.get(alert.kind)
    return {
        "id": alert.id, "kind": alert.kind, "subject": alert.subject, "severity": alert.severity, "state": alert.state,
        "says": alert.says, "means": known.means if known else "",
        "to_do": to_do(alert.kind, alert.subject, alert.evidence),
        "opened_at": alert.opened_at.isoformat(),
        "acknowledged_at": alert.acknowledged_at and alert.acknowledged_at.isoformat(),
        "acknowledged_by": alert.acknowledged_by, "cleared_at": alert.cleared_at and alert.cleared_at.isoformat(),
        "evidence": alert.evidence, "around": alert.around,
    }  # fmt: skip
