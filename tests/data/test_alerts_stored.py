"""Alerts are written by the sampler alone, acknowledged by administrators, and seen by everybody."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from support import Conninfo, sqlstate
from traintui.data import alerts, samples, workspace_settings
from traintui.data.alert_context import changes_of
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.refusals import Refused


async def opened(db: Database, subject: str = "a.b", severity: str = "warning") -> int | None:
    """An alert of that subject."""
    await samples.hold(db, "one", 600)
    evidence = {"p95_ms": 700.0, "most_ms": 500.0, "calls": 20}
    return await alerts.open_one(
        db, "one", "too_long", subject, "urgent" if severity == "urgent" else "warning", "It is slow", evidence, []
    )


async def test_one_alert_of_a_kind_and_subject_is_open_at_a_time(db: Database) -> None:
    first = await opened(db)
    assert first is not None and await opened(db) is None and await opened(db, "c.d") is not None
    assert await alerts.clear(db, "one", first) and not await alerts.clear(db, "one", first)
    assert await opened(db) not in {None, first}


async def test_only_who_samples_writes_alerts(db: Database, reviewer_db: Database) -> None:
    first = await opened(reviewer_db)
    assert first is not None
    for attempt in (
        alerts.open_one(db, "other", "too_long", "x", "warning", "says", {}, []), alerts.clear(db, "other", first),
        alerts.keep(db, "other", first, "says", {}),
    ):  # fmt: skip
        with pytest.raises(Refused):
            await attempt


async def test_one_process_takes_a_hook_and_another_what_nobody_noted_in_time(
    db: Database, reviewer_db: Database, conninfo: Conninfo
) -> None:
    first = await opened(db)
    assert first is not None
    await alerts.clear(db, "one", first)
    opening, clearing = await alerts.take_hooks(db)
    assert [(each.alert_id, each.event) for each in (opening, clearing)] == [(first, "opened"), (first, "cleared")]
    assert await alerts.take_hooks(reviewer_db) == ()
    with pytest.raises(Refused, match="by another process"):
        await alerts.note_hook(reviewer_db, opening.id, "said")
    await alerts.note_hook(db, opening.id, "opened: the hook ran")
    with psycopg.connect(conninfo(SUPERUSER)) as connection:  # a minute later
        connection.execute(
            "UPDATE alert_events SET held_until = now() - interval '1 second' WHERE held_until IS NOT NULL"
        )
    assert await alerts.take_hooks(reviewer_db) == (clearing,)
    with pytest.raises(Refused, match="by another process"):
        await alerts.note_hook(db, clearing.id, "said")
    await alerts.note_hook(reviewer_db, clearing.id, "cleared: the hook ran")
    assert await alerts.take_hooks(db) == ()
    assert [each.said for each in await alerts.events(db, first) if each.event == "hook"] == [
        "opened: the hook ran", "cleared: the hook ran",
    ]  # fmt: skip


async def test_what_opened_before_the_hook_was_set_is_not_told(db: Database) -> None:
    await opened(db)
    await workspace_settings.change(db, "alert_hook", "true")
    assert await alerts.take_hooks(db) == ()
    second = await opened(db, "c.d")
    assert [each.alert_id for each in await alerts.take_hooks(db)] == [second]


async def test_an_administrator_acknowledges_and_nobody_else(db: Database, reviewer_db: Database) -> None:
    first = await opened(reviewer_db)
    assert first is not None
    with pytest.raises(Refused):
        await alerts.acknowledge(reviewer_db, first)
    await alerts.acknowledge(db, first)
    await alerts.acknowledge(db, first)  # twice is once
    (found,) = await alerts.read(reviewer_db)
    assert (found.state, found.acknowledged_by) == ("acknowledged", "ada")
    assert [(each.event, each.login) for each in await alerts.events(db, first)] == [
        ("opened", "rita"), ("acknowledged", "ada"),
    ]  # fmt: skip
    await alerts.clear(reviewer_db, "one", first)
    with pytest.raises(Refused, match="is over"):
        await alerts.acknowledge(db, first)
    with pytest.raises(Refused, match="no alert"):
        await alerts.acknowledge(db, 4711)


async def test_the_worst_that_nobody_acknowledged_is_told(db: Database, reviewer_db: Database) -> None:
    assert await alerts.standing(reviewer_db) is None
    await opened(db)
    urgent = await opened(db, "c.d", "urgent")
    found = await alerts.standing(reviewer_db)
    assert found is not None and (found.number, found.unseen, found.worst) == (2, 2, "urgent")
    assert [each.subject for each in await alerts.read(db)] == ["c.d", "a.b"]
    assert urgent is not None
    await alerts.acknowledge(db, urgent)
    found = await alerts.standing(reviewer_db)
    assert found is not None and (found.number, found.unseen, found.worst) == (2, 1, "warning")
    assert [each.subject for each in await alerts.read(db)] == ["a.b", "c.d"]


async def test_what_changed_before_is_read_as_far_as_it_is_that(db: Database) -> None:
    await samples.hold(db, "one", 600)
    around: list[dict[str, Any]] = [
        {"at": "2026-11-28T10:00:00+00:00", "what": "start", "says": "the server was started"},
        {"at": 7},
        {},
    ]
    await alerts.open_one(db, "one", "too_long", "a.b", "warning", "says", {}, around)
    (alert,) = await alerts.read(db)
    assert [each.says for each in changes_of(alert)] == ["the server was started"]


async def test_a_hundred_open_alerts_are_enough(db: Database, conninfo: Conninfo) -> None:
    await opened(db)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(
            "INSERT INTO alerts (kind, subject, severity, state, says, evidence, around, opened_at)"
            " SELECT 'too_long', 's' || n, 'warning', 'open', 'says', '{}', '[]', now()"
            " FROM generate_series(1, 99) AS n"
        )
    assert await opened(db, "one more") is None


async def test_what_cleared_more_than_a_year_ago_goes(db: Database, conninfo: Conninfo) -> None:
    first = await opened(db)
    assert first is not None
    await alerts.clear(db, "one", first)
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute("UPDATE alerts SET cleared_at = now() - interval '401 days'")
    await opened(db)
    assert len(await alerts.read(db, cleared=True)) == 1 and await alerts.events(db, first) == ()


def test_nobody_sets_the_hook_but_an_administrator(conninfo: Conninfo) -> None:
    hook = "INSERT INTO workspace_settings (key, value) VALUES ('alert_hook', '\"curl evil\"')"
    assert [sqlstate(conninfo(login), hook) for login in ("rita", "arthur", "audrey")] == ["42501"] * 3
