"""The dialog shows metadata, keeps what is typed until it is right, and writes it for one conversation or for many."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from screens.waiting import until
from support import Conninfo, approved, fetch, imported, logged_in, scalar
from traintui.app import TraintuiApp
from traintui.data import conversations, metadata, reviews
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.metadata_records import Change, MetadataKey
from traintui.data.retrying import one_row
from traintui.data.targets import ids_of
from traintui.screens.metadata import MetadataDialog, columns
from traintui.screens.metadata_keys import KeyForm, MetadataKeysDialog
from traintui.screens.scope import Scope
from traintui.settings import Settings

Results = list[Change | None]


async def opened(pilot: Pilot[None], app: TraintuiApp, scope: Scope, results: Results | None = None) -> MetadataDialog:
    await until(pilot, lambda: app.workspace is not None)
    answers = [] if results is None else results
    app.call_later(app.push_screen, MetadataDialog(scope), answers.append)
    await until(pilot, lambda: isinstance(app.screen, MetadataDialog))
    dialog = app.screen
    assert isinstance(dialog, MetadataDialog)
    await until(pilot, lambda: dialog.query("#none") and "Reading" not in str(dialog.none.content))
    await pilot.pause()
    return dialog


async def of_one(db: Database, conversation_id: str) -> Scope:
    one = await conversations.read(db, conversation_id)
    return Scope((one.row.id,), conversation_id, one=one)


async def of_all(db: Database, filter_text: str = "") -> Scope:
    ids = await ids_of(db, parse(filter_text))
    return Scope(ids, f"{len(ids)} conversations that match {filter_text}", filter_text)


def said(dialog: MetadataDialog | KeyForm) -> str:
    return str(dialog.answer.content)


def rows(dialog: MetadataDialog) -> dict[str, str]:
    return {entry.key: entry.value for entry in dialog.table.rows}


async def typed(pilot: Pilot[None], field: Input, written: str) -> None:
    await until(pilot, lambda: field.has_focus)
    field.value = written


async def test_m_opens_the_metadata_of_the_row_and_ctrl_s_saves_what_was_edited(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, metadata={"page": 4, "source": "web"})
    await approved(db, one)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await until(pilot, lambda: app.screen.query("WindowedTable") and app.screen.query_one("WindowedTable").current)  # type: ignore[attr-defined]
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MetadataDialog))
        dialog = app.screen
        assert isinstance(dialog, MetadataDialog)
        await until(pilot, lambda: rows(dialog) == {"page": "4", "source": "web"})
        await pilot.press("enter")
        await typed(pilot, dialog.value_input, "5")
        await pilot.press("enter")
        await until(pilot, lambda: dialog.table.has_focus)
        await pilot.press("j", "d")
        assert "2 changes not saved" in said(dialog)
        await pilot.press("n")
        await typed(pilot, dialog.key_input, "due")
        await pilot.press("enter")
        await typed(pilot, dialog.value_input, "tomorrow")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: not isinstance(app.screen, MetadataDialog))
    assert await metadata.get(db, one) == {"page": 5, "due": "tomorrow"}
    assert (await conversations.read(db, one)).row.status == "approved"


async def test_a_wrong_value_is_answered_under_the_field_and_stays_there(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, metadata={"weight": 1})
    await metadata.register(db, "weight", "number")
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_one(db, one))
        await pilot.press("e")
        await typed(pilot, dialog.value_input, "abc")
        await pilot.press("ctrl+s")
        answer = str(dialog.value_field.answer.content)
        assert answer == '! "abc" is not a number. Write a number such as 4.5.'
        assert (dialog.value_input.value, dialog.value_input.has_focus) == ("abc", True)
        await typed(pilot, dialog.value_input, "2.5")
        await until(pilot, lambda: not dialog.value_field.has_class("-mistaken"))
        await pilot.press("enter", "n")
        await typed(pilot, dialog.key_input, "two words")
        await pilot.press("enter")
        await until(pilot, lambda: "cannot hold a blank" in str(dialog.key_field.answer.content))
        await pilot.press("escape")
        await until(pilot, lambda: dialog.table.has_focus)
        assert rows(dialog) == {"weight": "2.5"}
        await pilot.press("escape")
        assert "esc again leaves without them" in said(dialog)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not dialog)
    assert await metadata.get(db, one) == {"weight": 1}


async def test_a_new_key_that_is_there_already_is_refused_in_words(app: TraintuiApp, db: Database) -> None:
    (one,) = await imported(db, metadata={"page": 4, "source": "web"})
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_one(db, one))
        await pilot.press("n")
        await typed(pilot, dialog.key_input, "source")
        await pilot.press("enter")
        answer = str(dialog.key_field.answer.content)
        assert answer == '! "source" is there already. Leave with esc, and edit its row (enter).'
        assert dialog.key_input.has_focus
        dialog.value_input.value = "book"
        await pilot.press("ctrl+s")
        assert "is there already" in str(dialog.key_field.answer.content)
        await pilot.press("escape")
        await until(pilot, lambda: dialog.table.has_focus)
        assert rows(dialog) == {"page": "4", "source": "web"} and said(dialog) == ""
    assert await metadata.get(db, one) == {"page": 4, "source": "web"}


async def test_what_somebody_else_changed_meanwhile_is_shown_and_not_overwritten_unseen(
    app: TraintuiApp, db: Database, reviewer_db: Database
) -> None:
    (one,) = await imported(db, metadata={"a": "1"})
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_one(db, one))
        await metadata.merge(reviewer_db, one, {"b": 2})
        await pilot.press("e")
        await typed(pilot, dialog.value_input, "mine")
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "Somebody changed it meanwhile" in said(dialog))
        assert rows(dialog) == {"a": "mine", "b": "2"}
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is not dialog)
    assert await metadata.get(db, one) == {"a": "mine", "b": 2}


async def test_many_are_changed_after_their_exact_number_was_said_and_one_undo_takes_all_back(
    app: TraintuiApp, db: Database
) -> None:
    await imported(db, 4, metadata={"page": "x", "[/b]": "[@click=app.quit]"})
    results: Results = []
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_all(db, "status:generated"), results)
        await until(pilot, lambda: [entry.rows for entry in dialog.table.rows] == [4, 4])
        await pilot.press("n")
        await typed(pilot, dialog.key_input, "weight")
        await pilot.press("enter")
        await typed(pilot, dialog.value_input, "2")
        await pilot.press("enter")
        await until(pilot, lambda: dialog.table.has_focus)
        await pilot.press("g", "d")
        assert "ctrl+s sets weight to 2, takes out [/b] in 4 conversations." in said(dialog)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "4 changed" in said(dialog))
        assert "takes all of it back" in said(dialog)
        await until(pilot, lambda: list(rows(dialog)) == ["page", "weight"])
        await pilot.press("escape")
        await until(pilot, lambda: results)
    assert results[0] is not None and results[0].changed == 4
    assert await scalar(db, 'SELECT count(*) FROM conversations WHERE metadata = \'{"page": "x", "weight": 2}\'') == 4
    filters = await fetch(db, "SELECT DISTINCT details->>'filter' FROM review_logs WHERE action = 'metadata'")
    assert [row[0] for row in filters] == ["status:generated"]
    await reviews.undo_last(db, key=reviews.new_key())
    assert await scalar(db, "SELECT count(*) FROM conversations WHERE metadata ? 'weight'") == 0


@pytest.mark.parametrize(
    ("looked_at", "expected"),
    [
        (5_000, {"checked": "in 1 of all", "due": "nowhere yet", "page": "in 3 of all"}),
        # The newest of them: what they do not have may stand in another.
        (2, {"checked": "in few, if any", "due": "in few, if any"}),
    ],
)
async def test_a_key_is_nowhere_only_where_all_conversations_were_looked_at(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch, looked_at: int, expected: dict[str, str]
) -> None:
    monkeypatch.setattr(metadata, "SAMPLE", looked_at)
    await imported(db, 1, metadata={"checked": True})
    await imported(db, 3, metadata={"page": 1})
    for key, value_type in (("checked", "boolean"), ("due", "date")):
        await metadata.register(db, key, value_type)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_all(db))
        await until(pilot, lambda: expected.items() <= listed_as(dialog).items())


def listed_as(dialog: MetadataDialog) -> dict[str, str]:
    value = columns()[-1].cell
    return {entry.key: str(value(entry)) for entry in dialog.table.rows}


async def test_esc_ends_a_bulk_edit_between_two_portions_and_says_how_far_it_came(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = await imported(db, 6)
    monkeypatch.setattr(metadata, "portions", lambda all_: ([one] for one in all_))
    third, go_on = asyncio.Event(), asyncio.Event()

    async def held(db: Database, statement: str, values: dict[str, Any]) -> Sequence[Any]:
        if values["ids"] == [keys[2]]:
            third.set()
            await go_on.wait()
        return await one_row(db, statement, values)

    monkeypatch.setattr(metadata, "one_row", held)
    scope = await of_all(db)
    keys = list(scope.ids)
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, scope)
        await pilot.press("n")
        await typed(pilot, dialog.key_input, "n")
        await pilot.press("enter")
        await typed(pilot, dialog.value_input, "1")
        await pilot.press("ctrl+s")
        await until(pilot, third.is_set)
        assert "2 of 6" in said(dialog)
        await pilot.press("escape")
        assert "Stopping" in said(dialog) and app.screen is dialog
        go_on.set()
        await until(pilot, lambda: "Stopped: 3 changed; the other 3 are as they were." in said(dialog))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "3 changed; 3 were so already" in said(dialog))
    assert [(await metadata.get(db, one)) for one in ids] == [{"n": 1}] * 6


async def test_a_bulk_edit_that_is_refused_says_which_one_and_keeps_what_was_typed(
    app: TraintuiApp, db: Database
) -> None:
    await imported(db, 1, metadata={"a": "x" * 65_000})
    async with app.run_test(size=(120, 40)) as pilot:
        dialog = await opened(pilot, app, Scope(await ids_of(db, parse("")), "1 conversation that matches"))
        await pilot.press("n")
        await typed(pilot, dialog.key_input, "b")
        await pilot.press("enter")
        await typed(pilot, dialog.value_input, "y" * 1_000)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "65536 is the most" in said(dialog))
        assert rows(dialog)["b"] == "y" * 1_000


async def test_r_gives_a_key_its_type_and_shows_the_values_that_are_in_the_way(app: TraintuiApp, db: Database) -> None:
    ids = await imported(db, 2, metadata={"page": "x"})
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = await opened(pilot, app, await of_one(db, ids[0]))
        await pilot.press("r")
        form = await form_of(pilot, app)
        form.types.value = "integer"
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "2 conversations have values" in said(form))
        assert f'{ids[0]}  "x"' in said(form)
        form.types.value = "text"
        form.about.value = "where it stands"
        await until(pilot, lambda: "2 conversations" not in said(form))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is dialog)
        await until(pilot, lambda: dialog.table.rows[0].is_registered)
        assert await metadata.keys(db) == (MetadataKey("page", "text", "page", "where it stands"),)


async def form_of(pilot: Pilot[None], app: TraintuiApp) -> KeyForm:
    await until(pilot, lambda: isinstance(app.screen, KeyForm))
    form: Screen[Any] = app.screen
    assert isinstance(form, KeyForm)
    await until(pilot, lambda: form.query("#answer"))
    await pilot.pause()
    return form


async def test_the_list_of_keys_registers_changes_and_unregisters(app: TraintuiApp, db: Database) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await app.run_action("metadata_keys")
        await until(pilot, lambda: isinstance(app.screen, MetadataKeysDialog))
        listed = app.screen
        assert isinstance(listed, MetadataKeysDialog)
        await until(pilot, lambda: listed.query("#none") and "No key has" in str(listed.none.content))
        await pilot.press("n")
        form = await form_of(pilot, app)
        await pilot.press("ctrl+s")
        assert "A key has a name" in str(form.field.answer.content)
        form.key_input.value = "page"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: listed.table.rows)
        await pilot.press("enter")
        form = await form_of(pilot, app)
        form.label.value = "Page"
        await pilot.press("ctrl+s")
        await until(pilot, lambda: listed.table.rows and listed.table.rows[0].label == "Page")
        await pilot.press("e")
        form = await form_of(pilot, app)
        form.types.value = ""
        await pilot.pause()
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, MetadataKeysDialog) and not listed.table.rows)
    assert await metadata.keys(db) == ()


async def test_a_reviewer_edits_values_and_not_types(conninfo: Conninfo, db: Database, tmp_path: Any) -> None:
    (one,) = await imported(db, metadata={"a": 1})
    async with logged_in(conninfo("rita")) as reviewer:
        app = TraintuiApp(Settings(home=tmp_path), workspace=reviewer)
        async with app.run_test(size=(80, 24)) as pilot:
            dialog = await opened(pilot, app, await of_one(db, one))
            assert dialog.check_action("type", ()) is None
            await pilot.press("r")
            assert app.screen is dialog
            await pilot.press("d", "ctrl+s")
            await until(pilot, lambda: app.screen is not dialog)
    assert await metadata.get(db, one) == {}
