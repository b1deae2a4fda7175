"""A conversation whose document has changed says so wherever it is read, while the app is open."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from screens.waiting import until
from support import Wanted, add_document, add_vocabulary, generated, scalar
from traintui.app import TraintuiApp
from traintui.data.engine import Database
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.review import ReviewScreen


@pytest.fixture
async def written(db: Database) -> str:
    """A conversation about the only piece of a document; its public id."""
    await add_vocabulary(db)
    await add_document(db, "fees.md", ("old",))
    chunk_id = await scalar(db, "SELECT id FROM chunks")
    (conversation_id,) = await generated(db, wanted=[Wanted(chunk_id=chunk_id)])
    return conversation_id


async def test_the_mark_comes_to_open_rows_and_their_preview(app: TraintuiApp, db: Database, written: str) -> None:
    async with app.run_test(size=(160, 45)) as pilot:
        screen = app.screen
        assert isinstance(screen, ConversationsScreen)
        await until(pilot, lambda: screen.table.current is not None)
        row = screen.table.current
        assert row is not None and row.stale_at is None
        await add_document(db, "fees.md", ("new",))
        await until(pilot, lambda: screen.table.current is not None and screen.table.current.stale_at is not None)
        await until(pilot, lambda: "≠" in screen.table._line(0, screen.table._width).text)
        await until(pilot, lambda: "Nothing was thrown away" in str(screen.preview.query_one(Static).content))
        assert screen.apply("is:stale")
        await until(pilot, lambda: screen.table.total == 1)


async def test_review_says_what_happened_and_how_to_see_it(app: TraintuiApp, db: Database, written: str) -> None:
    await add_document(db, "fees.md", ("new",))
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen))
        screen = app.screen
        assert isinstance(screen, ReviewScreen)
        await until(pilot, lambda: "its document has changed: i shows" in str(screen.position.content))
        assert "≠ stale" in str(screen.position.content)
