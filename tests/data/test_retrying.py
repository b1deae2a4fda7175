"""A transaction that meets others is tried again, and one that is refused is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from support import beside
from traintui.data import retrying
from traintui.data.engine import Database
from traintui.data.refusals import Refused
from traintui.data.retrying import one_row

TAKEN = "SELECT set_config('lock_timeout', '20ms', true), pg_advisory_xact_lock(77)"
"""Takes what only one transaction can have, or is refused after 20 ms."""


async def test_a_transaction_that_others_are_in_the_way_of_is_tried_until_they_are_gone(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying, "TRIES", 10_000)
    monkeypatch.setattr(retrying, "PAUSE", 0.001)
    refused = asyncio.Event()

    async def taken() -> Any:
        try:
            return (await db.call(TAKEN, {})).one()
        except Refused:
            refused.set()
            raise

    async with db.write() as connection:
        await connection.execute(text(TAKEN))
        waiting = asyncio.create_task(retrying.tried_again(taken))
        await beside(waiting, refused.wait())
        assert not waiting.done()
    assert (await waiting)[0] == "20ms"


async def test_who_never_comes_through_is_told(db: Database) -> None:
    async with db.write() as connection:
        await connection.execute(text(TAKEN))
        with pytest.raises(Refused) as refused:
            await one_row(db, TAKEN, {})
    assert (refused.value.code, refused.value.title) == ("55P03", "Busy")


async def test_a_refusal_of_what_one_may_not_is_not_asked_for_again(db: Database) -> None:
    with pytest.raises(Refused) as refused:
        await one_row(db, "SELECT unregister_metadata_key(:key)", {"key": "nothing"})
    assert refused.value.code == "TT002"
