"""A conversation is read whole in few statements, which are made once."""

from __future__ import annotations

import logging

import pytest

from support import imported
from traintui.data import conversations
from traintui.data.engine import Database


async def test_reading_a_conversation_takes_three_statements_that_are_compiled_once(
    db: Database, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = await imported(db, 2)
    await conversations.read(db, first)
    log = logging.getLogger("sqlalchemy.engine")
    with caplog.at_level(logging.INFO, log.name):
        db.engine.sync_engine._should_log_info = lambda: True  # type: ignore[method-assign]
        read = await conversations.read(db, second)
    assert read.row.conversation_id == second and len(read.turns) == read.row.turn_count
    how = [record.getMessage().split()[0] for record in caplog.records if record.getMessage().startswith("[")]
    assert how == ["[cached"] * 3
