"""Archived calls are found by every word of the filter as the log found them, and add up to the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aging import calls_of
from support import Conninfo
from traintui.audit import archiving, call_archive
from traintui.audit.archive_reach import frames_for
from traintui.audit.retiring import retire_due
from traintui.data import retention
from traintui.data.engine import Database
from traintui.data.log_fields import GENERATIONS
from traintui.data.log_figures import CallFigures, call_figures
from traintui.data.log_listing import NO_KEYS, few_keys

FILTERS = (
    "", "state:error", "-state:ok", "kind:generate", "kind:judge", "model:claude-haiku-5-5", "-model:none", "user:ada",
    "user:none", "error:overloaded", "error:none", "created<2024-01-01", "created:2024-01-10 cost>0", "cost>0.005",
    "cost<0.01", "tokens>20", "took>0", "http:200", "version:1", "conversation:c-3,c-7",
    "-conversation:c-3", "conversation:none", "template:calm", "template:none", "batch:1", "batch:none", "call:1,2,3",
    "request:none", "is:failed", "is:rehearsal", "is:estimated", "is:late", "overloaded", "over*", "-overloaded",
)  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 10])
async def test_every_word_finds_the_same_and_adds_up_to_the_same(
    db: Database, conninfo: Conninfo, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(archiving, "ROWS", 4)
    monkeypatch.setattr(call_archive, "AT_ONCE", at_once)
    for moment in ("2024-01-10 12:00+00", "2023-12-20 12:00+00"):
        calls_of(conninfo, moment, 12)
    offset = timedelta(hours=2)
    before = {}
    for wanted in FILTERS:
        asked = GENERATIONS.read(wanted)
        keys = await few_keys(db, GENERATIONS, asked)
        assert keys is not None
        before[wanted] = list(zip(keys.moments, keys.ids, strict=True)), await call_figures(db, asked, offset=offset)
    assert len((await retire_due(db, await retention.due(db))).retired) == 2
    for wanted in FILTERS:
        found, figures = NO_KEYS, CallFigures(())
        async for step in call_archive.find(db, GENERATIONS.read(wanted), offset=offset):
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
