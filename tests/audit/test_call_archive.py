"""Archived calls are found by every word of the filter as the log found them, and add up to the same."""

from __future__ import annotations

from datetime import timedelta, timezone

import psycopg
import pytest

from aging import calls_of
from support import Conninfo
from traintui.audit import archiving, call_archive
from traintui.audit.archive_reach import frames_for
from traintui.audit.retiring import retire_due
from traintui.data import retention
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_figures import CallFigures, call_figures
from traintui.data.log_listing import NO_KEYS, few_keys

FILTERS = (
    "", "state:error", "-state:ok", "kind:generate", "kind:judge", "model:claude-haiku-5-5", "-model:none", "user:ada",
    "user:none", "error:overloaded", "error:none", "created<2024-01-01", "created:2024-01-10 cost>0", "cost>0.005",
    "cost<0.01", "tokens>20", "took>0", "http:200", "version:1", "conversation:c-3,c-7",
    "-conversation:c-3", "conversation:none", "template:calm", "template:none", "batch:1", "batch:none", "call:1,2,3",
    "request:none", "is:failed", "is:rehearsal", "is:estimated", "is:late", "state:unknown",
    "is:erased", "overloaded", "over*", "-overloaded",
)  # fmt: skip
LATE = """
    WITH lost AS (
        INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                     request_payload, cost_usd, conversation_id)
        SELECT at, 'generate', 'unknown', 'ada', 'https://a', false, 'claude-haiku-5-5', '{}', '{}', 0.5, 'c-3'
        FROM unnest(ARRAY['2023-12-20 12:02:30+00', '2023-12-20 12:02:40+00', '2024-01-10 12:04:30+00']::timestamptz[])
             AS sent(at)
        RETURNING id, created_at
    )
    INSERT INTO generation_logs (created_at, kind, state, requested_by, endpoint, is_rehearsal, model, parameters,
                                 request_payload, cost_usd, conversation_id, late_reply_to)
    SELECT created_at + CASE row_number() OVER (ORDER BY id) WHEN 1 THEN interval '3 minutes' ELSE interval '1 day' END,
           'generate', 'ok', 'ada', 'https://a', false, 'claude-haiku-5-5', '{}', '{}', 0.25, 'c-3', id
    FROM lost ORDER BY id LIMIT 2
"""


def replied_late(conninfo: Conninfo) -> None:
    """Three calls of unknown end: the reply to one came after minutes, to one after a day, to one never."""
    with psycopg.connect(conninfo(SUPERUSER)) as connection:
        connection.execute(LATE)


@pytest.mark.parametrize("at_once", [1, 10])
async def test_every_word_finds_the_same_and_adds_up_to_the_same(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(archiving, "ROWS", 4)
    monkeypatch.setattr(call_archive, "AT_ONCE", at_once)
    for moment in ("2024-01-10 12:00+00", "2023-12-20 12:00+00"):
        calls_of(conninfo, moment, 12)
    replied_late(conninfo)
    zone = timezone(timedelta(hours=2))
    before = {}
    for wanted in FILTERS:
        asked = GENERATIONS.read(wanted)
        keys = await few_keys(db, GENERATIONS, asked)
        assert keys is not None
        before[wanted] = list(zip(keys.moments, keys.ids, strict=True)), await call_figures(db, asked, zone=zone)
    assert len((await retire_due(db, await retention.due(db))).retired) == 2
    for wanted in FILTERS:
        found, figures = NO_KEYS, CallFigures(())
        async for step in call_archive.find(db, GENERATIONS.read(wanted), zone=zone):
            found, figures = found + step.keys, figures + step.figures
        assert (list(zip(found.moments, found.ids, strict=True)), figures) == before[wanted], wanted


async def test_frames_of_other_dates_and_conversations_are_not_read(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archiving, "ROWS", 4)
    for moment in ("2024-01-10 12:00+00", "2023-12-20 12:00+00"):
        calls_of(conninfo, moment, 12)
    assert len((await retire_due(db, await retention.due(db))).retired) == 2
    for wanted, number in (
        ("", 6), ("created<2024-01-01", 3), ("created>=2024-01-10T12:09", 1), ("conversation:c-3", 2),
        ("conversation:c-3,c-12 created>2024-01-01", 2), ("created>=-1d", 0), ("conversation:nobody", 0),
        ("-conversation:c-3", 6), ("-created<2024-01-01", 6),
    ):  # fmt: skip
        assert len(await frames_for(db, GENERATIONS.read(wanted))) == number, wanted
