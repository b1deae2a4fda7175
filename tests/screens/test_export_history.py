"""The history of exports has a row for each, and all that is known of it; what was written can be written again."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from screens.waiting import until, written
from support import Conninfo, approved, imported, logged_in, seen
from traintui.app import TraintuiApp
from traintui.data import bulk, conversations, exports, log_listing, purging, reviews
from traintui.data.embedded import SUPERUSER
from traintui.data.engine import Database
from traintui.data.export_reading import ids_of
from traintui.data.log_records import Export
from traintui.errors import TraintuiError
from traintui.export import machine
from traintui.export.request import ExportRequest
from traintui.export.write import export_conversations, run_export
from traintui.screens.audit import AuditScreen
from traintui.screens.audit_exports import ExportsPane
from traintui.screens.export import ExportDialog
from traintui.widgets.keybar import KeyBar
from traintui.widgets.log_table import LogTable

SIZES = [(160, 45), (80, 24)]


async def opened(pilot: Pilot[None], app: TraintuiApp) -> ExportsPane:
    """The exports in Audit."""
    await until(pilot, lambda: app.workspace is not None)
    await pilot.press("4")
    await until(pilot, lambda: isinstance(app.screen, AuditScreen) and app.screen.is_mounted)
    screen = app.screen
    assert isinstance(screen, AuditScreen)
    await pilot.press("right", "right")
    pane = screen.query_one(ExportsPane)
    await until(pilot, lambda: pane.table.has_focus)
    return pane


async def dialog_of(pilot: Pilot[None], app: TraintuiApp, key: str) -> ExportDialog:
    await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, ExportDialog))
    dialog = app.screen
    assert isinstance(dialog, ExportDialog)
    return dialog


def plain(dialog: ExportDialog, selector: str) -> str:
    return str(dialog.query_one(selector, Static).content)


async def logged(db: Database, export_id: str, state: exports.LoggedState, count: int = 7) -> None:
    await exports.record(db, export_id, state, count=count, filter_state={"filter": ""}, format="trl", metadata={})


async def edited(db: Database, public: str) -> None:
    question, answer = (await conversations.read(db, public)).turns
    turns = [question, replace(answer, content="Another answer.")]
    await reviews.edit(db, await seen(db, public), system_prompt=None, turns=turns, key=reviews.new_key())


def drawn(table: LogTable[Export]) -> str:
    """The first row of a table as it is painted."""
    return table.render_line(1).text


def keys(pane: ExportsPane) -> list[str]:
    """What the keys at the bottom say."""
    return [key.label for _, key in pane.app.screen.query_one(KeyBar).shown]


def notes(app: TraintuiApp) -> str:
    return " ".join(note.message for note in app._notifications)


@pytest.mark.parametrize("size", SIZES)
async def test_an_export_is_one_row_with_all_that_is_known_of_it(
    app: TraintuiApp, db: Database, tmp_path: Path, size: tuple[int, int]
) -> None:
    ids = await imported(db, 3)
    await approved(db, *ids[:2])
    statuses = "status:approved,generated is:seed"
    request = ExportRequest(tmp_path / "out.jsonl", "axolotl", statuses, if_cut="leave-out", strata=("tier",))
    summary = await run_export(db, request)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: ids[0] in screen.detail.plain)
        assert len(screen.table.rows) == 1
        told = screen.detail.plain
        for said in (
            "● succeeded", summary.export_id, "ada", "3: 2 approved, 1 generated", statuses, "axolotl, version 1",
            "all 3 pass", "are left out", "tier", "out.axolotl.yaml", str(tmp_path), summary.sha256, "revision 1",
        ):  # fmt: skip
            assert said in told, said


@pytest.mark.parametrize("size", SIZES)
async def test_where_the_detail_has_the_room_what_is_cut_of_a_row_has_a_sign_and_a_key_leads_back(
    app: TraintuiApp, db: Database, tmp_path: Path, size: tuple[int, int]
) -> None:
    await approved(db, *await imported(db, 1))
    await export_conversations(db, path=tmp_path / "out.jsonl", format="trl-prompt-completion", filter_text="turns<40")
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "turns" in drawn(screen.table))
        assert re.search("trl-prompt-(completion|c…)", drawn(screen.table)) and "Back" not in keys(screen)
        await pilot.press("enter")
        await until(pilot, lambda: screen.has_class("-detail") and "Back" in keys(screen))
        if size[0] > 100:  # the rows stand beside the detail still: what has no room is left out, and not cut
            await until(pilot, lambda: "trl" not in drawn(screen.table))
            assert re.search("(turns<40|…) *$", drawn(screen.table))
        await pilot.press("escape")
        await until(pilot, lambda: screen.table.has_focus and "Back" not in keys(screen))


async def test_each_state_has_its_word_and_one_that_lives_shows_how_far_it_is(
    app: TraintuiApp, db: Database, conninfo: Conninfo
) -> None:
    ends: tuple[exports.LoggedState, ...] = ("failed", "cancelled")
    for state in ends:
        await logged(db, f"e-{state}", "started")
        await logged(db, f"e-{state}", state, 0)
    for name in ("e-dead", "e-lives"):
        await logged(db, name, "started", 200)
        await exports.renew(db, name, 40, 200, seconds=60)
    async with logged_in(conninfo(SUPERUSER)) as owner, owner.write() as connection:
        await connection.exec_driver_sql("ALTER TABLE export_logs DISABLE TRIGGER USER")
        await connection.exec_driver_sql("UPDATE export_logs SET exported_at = exported_at - interval '1 hour'")
        await connection.exec_driver_sql("ALTER TABLE export_logs ENABLE TRIGGER USER")
        await connection.exec_driver_sql(
            "UPDATE exports_under_way SET lease_until = now() - interval '1 s' WHERE export_id = 'e-dead'"
        )
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: len(screen.table.rows) == 4)
        assert [row.state for row in screen.table.rows] == ["under way", "silent", "cancelled", "failed"]
        await until(pilot, lambda: "40 of 200" in screen.detail.plain and "20% written" in screen.detail.plain)
        await exports.renew(db, "e-lives", 100, 200, seconds=60)
        await pilot.press("r")
        await until(pilot, lambda: "100 of 200" in screen.detail.plain)
        await logged(db, "e-lives", "succeeded", 200)
        await pilot.press("r")
        await until(pilot, lambda: "● succeeded" in screen.detail.plain)
        await pilot.press("j")
        await until(pilot, lambda: "nothing was heard of it since" in screen.detail.plain)


async def test_enter_looks_whether_the_files_stand_as_they_were_written(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    await approved(db, *await imported(db, 2))
    await export_conversations(db, path=tmp_path / "out.jsonl")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "enter looks" in screen.detail.plain)
        await pilot.press("enter")
        await until(pilot, lambda: screen.detail.plain.count("  unchanged") == 3)
        (tmp_path / "README.md").unlink()
        with (tmp_path / "out.jsonl").open("r+b") as file:
            file.write(b"[")
        with (tmp_path / "out.manifest.json").open("ab") as file:
            file.write(b" ")
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "  gone" in screen.detail.plain)
        assert "changed since, its SHA-256 is another" in screen.detail.plain
        assert "changed since, " in screen.detail.plain and "bytes now" in screen.detail.plain


async def test_what_another_machine_wrote_is_said_to_be_there(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, *await imported(db, 1))
    here, there = tmp_path / "here-id", tmp_path / "there-id"
    here.write_text("0" * 32 + "\n")
    there.write_text("1" * 32 + "\n")
    monkeypatch.setattr(machine, "IDS", (here,))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(machine, "IDS", (there,))
        elsewhere.setattr("socket.gethostname", lambda: "far-away")
        await export_conversations(db, path=tmp_path / "out.jsonl")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "on far-away" in screen.detail.plain)
        await pilot.press("enter")
        await until(pilot, lambda: "on another machine (far-away)" in screen.detail.plain)
        await pilot.press("escape", "o")
        await until(pilot, lambda: "another machine (far-away); its path was sent" in notes(app))
        assert app.clipboard == str(tmp_path)


async def test_a_machine_that_is_called_otherwise_now_is_the_one_that_it_was(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, *await imported(db, 1))
    (tmp_path / "id").write_text("0" * 32 + "\n")
    monkeypatch.setattr(machine, "IDS", (tmp_path / "none", tmp_path / "id"))
    with monkeypatch.context() as before:
        before.setattr("socket.gethostname", lambda: "its-old-name")
        await export_conversations(db, path=tmp_path / "out.jsonl")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "enter looks" in screen.detail.plain)
        assert "its-old-name" not in screen.detail.plain
        (tmp_path / "README.md").unlink()
        await pilot.press("enter")
        await until(pilot, lambda: screen.detail.plain.count("  unchanged") == 2)
        told = " ".join(screen.detail.plain.split())
        assert "gone, it was written when this machine, or one that it is a copy of, was its-old-name" in told
        (tmp_path / "id").unlink()  # without an id, names are what there is
        await pilot.press("escape", "enter")
        await until(pilot, lambda: "on another machine (its-old-name)" in screen.detail.plain)


async def test_the_folder_is_opened_with_the_systems_opener_and_else_its_path_is_copied(
    app: TraintuiApp, db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await approved(db, *await imported(db, 1))
    await export_conversations(db, path=tmp_path / "out" / "out.jsonl")
    programs = tmp_path / "programs"
    programs.mkdir()
    program = programs / "xdg-open"
    program.write_text(f'#!/bin/sh\necho noise; printf %s "$1" > {tmp_path}/asked\n')
    program.chmod(0o755)
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("traintui.screens.folders.PATIENCE", 60.0)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: screen.table.current is not None)
        await pilot.press("o")
        await until(pilot, lambda: f"Opened {tmp_path / 'out'}" in notes(app))
        assert (tmp_path / "asked").read_text() == str(tmp_path / "out") and app.clipboard == ""
        program.write_text("#!/bin/sh\nexit 3\n")
        await pilot.press("o")
        await until(pilot, lambda: "could not open it; its path was sent" in notes(app))
        assert app.clipboard == str(tmp_path / "out")
        monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 2 10.0.0.2 22")
        await pilot.press("o")
        await until(pilot, lambda: "Nothing here opens folders" in notes(app))


async def test_an_export_is_made_again_as_of_now_and_what_differs_is_said(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    first, second, third = await imported(db, 3)
    await approved(db, first, second)
    await export_conversations(db, path=tmp_path / "out.jsonl", filter_text="is:seed", format="trl")
    await edited(db, first)
    await approved(db, first, third)
    async with app.run_test(size=(160, 45)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "succeeded" in screen.detail.plain)
        dialog = await dialog_of(pilot, app, "e")
        await until(pilot, lambda: "3 conversations" in str(dialog.will.content))
        assert "1 more, 1 edited" in str(dialog.query_one("#since", Static).content)
        assert dialog.formats.value == "trl" and screen.display


async def test_what_an_export_holds_of_the_conversations_that_a_filter_names_is_shown(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    ids = await imported(db, 2)
    await approved(db, *ids)
    await run_export(db, ExportRequest(tmp_path / "out.jsonl"))
    async with app.run_test(size=(160, 45)) as pilot:
        pane = await opened(pilot, app)
        await until(pilot, lambda: "HOLDS" in pane.detail.plain)
        await pilot.press("slash", *f"conversation:{ids[0]}", "enter")
        await until(pilot, lambda: pane.wanted is not None and pane.filter_text and "HOLDS" in pane.detail.plain)
        assert ids[0] in pane.detail.plain


@pytest.mark.parametrize("size", SIZES)
async def test_the_same_is_written_again_with_the_same_bytes(
    app: TraintuiApp, db: Database, tmp_path: Path, size: tuple[int, int]
) -> None:
    ids = await imported(db, 2)
    await approved(db, *ids)
    await run_export(db, ExportRequest(tmp_path / "out.jsonl", "trl", "is:seed", if_refused="leave-out", limit=900))
    await edited(db, ids[0])
    await approved(db, *await imported(db, 1))
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "succeeded" in screen.detail.plain)
        dialog = await dialog_of(pilot, app, "E")
        await until(pilot, lambda: "2 conversations" in str(dialog.will.content))
        assert "texts and decisions are those of" in str(dialog.query_one("#since", Static).content)
        given = (dialog.formats, dialog.share, dialog.sides, dialog.rehearsal, dialog.refused, dialog.cut)
        assert all(field.disabled for field in given) and dialog.refused.value == "leave-out"
        dialog.file.value = str(tmp_path / "again.json")  # the one thing that is open to choice, and says something too
        await until(pilot, lambda: "it was jsonl, and this name says json" in plain(dialog, "#since"))
        dialog.file.value = str(tmp_path / "again.jsonl")
        await until(pilot, lambda: plain(dialog, "#since").startswith("texts and decisions are those of"))
        await pilot.press("ctrl+s")
        await until(pilot, lambda: "The same bytes as e-" in str(dialog.answer.content))
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "out.jsonl").read_bytes()


async def test_what_was_purged_since_is_named_before_anything_is_written(
    app: TraintuiApp, db: Database, tmp_path: Path
) -> None:
    ids = await imported(db, 2)
    await approved(db, *ids)
    await export_conversations(db, path=tmp_path / "out.jsonl")
    keys = list((await ids_of(db, [ids[1]])).values())
    await bulk.trash(db, keys, True)
    await purging.purge(db, keys)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: "succeeded" in screen.detail.plain)
        dialog = await dialog_of(pilot, app, "E")
        await until(pilot, lambda: f"purged since: {ids[1]}" in str(dialog.answer.content))
        await pilot.press("ctrl+s")
        await written(app)
    with pytest.raises(FileNotFoundError):
        Path("traintui-export").stat()


async def test_a_log_that_cannot_be_read_says_so_beside_the_rows(
    app: TraintuiApp, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def fails(*_: object, **__: object) -> None:
        raise TraintuiError("Database not reached", "nobody answers.", "Check the server.")

    await logged(db, "e-1", "started")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, app)
        await until(pilot, lambda: len(screen.table.rows) == 1)
        monkeypatch.setattr(log_listing, "first_keys", fails)
        await pilot.press("r")
        await until(pilot, lambda: "Database not reached" in str(screen.counted.content))
        assert len(screen.table.rows) == 1
