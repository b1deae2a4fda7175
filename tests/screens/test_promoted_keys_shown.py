"""An app that is open has the column of a promoted key, and goes on when the key goes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pyroaring import BitMap

from screens.waiting import on_screen, until
from support import Conninfo, imported
from traintui.app import TraintuiApp
from traintui.data import promotions, workspace_migrations
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.listing import order_of
from traintui.screens.columns import ColumnsDialog
from traintui.screens.conversations import ConversationsScreen
from traintui.screens.metadata_keys import MetadataKeysDialog
from traintui.screens.sorting import SortDialog
from traintui.table_layout import TableLayout


def own(app: TraintuiApp, key: str) -> str | None:
    """The column of a key as the copy in memory has it; None while it has none."""
    field = app.live.fields.get(f"meta.{key}") if app.live is not None and app.live.mirror is not None else None
    return None if field is None else field.own


def known(app: TraintuiApp) -> BitMap:
    """The conversations that the copy in memory has."""
    return app.live.mirror.every if app.live is not None and app.live.mirror is not None else BitMap()


async def test_an_open_app_has_a_promoted_key_everywhere_and_goes_on_without_it(
    app: TraintuiApp, db: Database, conninfo: Conninfo, tmp_path: Path
) -> None:
    await imported(db, 2, metadata={"source": "web"})
    await imported(db, 1, metadata={"source": "phone"})
    folder = tmp_path / "migrations"
    async with app.run_test(size=(160, 45)) as pilot:
        await until(pilot, lambda: app.live is not None and app.live.mirror is not None)
        looked = await promotions.look(db, "source", "text")
        for each in await workspace_migrations.planned_promotion(db, folder, "source", "text", looked, vocabulary=True):
            each.write()
        await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
        app.refresh_words()
        await until(pilot, lambda: own(app, "source") == "key_source")
        screen = app.screen
        assert isinstance(screen, ConversationsScreen) and app.live is not None
        await until(
            pilot, lambda: {"web", "phone"} <= {at.value for at in screen.facets.places if at.field == "meta.source"}
        )
        fields = app.live.fields
        columns = ColumnsDialog(fields, TableLayout((), {}, ""))
        await app.push_screen(columns)
        await until(pilot, lambda: "meta.source" in [choice.name for choice in columns.table.rows])
        await pilot.press("escape")
        await app.push_screen(MetadataKeysDialog())
        await until(pilot, lambda: "text, column" in on_screen(app))
        await pilot.press("escape")
        sorting = SortDialog(fields, screen.order)
        await app.push_screen(sorting)
        await until(pilot, lambda: "source" in [choice.title for choice in sorting.table.rows])
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
        screen.sort_by(order_of("meta.source", fields))
        await until(pilot, lambda: screen.order.text == "meta.source" and screen.table.total == 3)
        for each in await workspace_migrations.planned_demotion(db, folder, "source"):
            each.write()
        await asyncio.to_thread(workspace_migrations.apply, conninfo(SUPERUSER), folder)
        # The next change asks for a column that is gone: the fields are read anew, and the copy goes on.
        await imported(db, 1)
        app.look_now()
        await until(pilot, lambda: own(app, "source") is None)
        await until(pilot, lambda: app.outage is None and len(known(app)) == 4)
        # What it was sorted by is gone too: the newest come first, and the filter goes on.
        await until(pilot, lambda: screen.order.field is None and screen.table.total == 4)
        assert any("cannot be sorted by any more" in str(note.message) for note in app._notifications)
        await pilot.press("slash", *"is:seed", "escape")
        await until(pilot, lambda: screen.table.has_focus and screen.table.total == 4)
