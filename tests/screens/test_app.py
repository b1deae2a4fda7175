"""The shell: it paints first, opens beside that, answers what fails, and leaves cleanly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.command import CommandList, CommandPalette
from textual.widgets import Static

from screens.waiting import until
from support import imported
from traintui import commands
from traintui.app import TraintuiApp
from traintui.data import workspace
from traintui.data.engine import Database
from traintui.errors import TraintuiError
from traintui.screens.audit import AuditScreen
from traintui.screens.help import HelpScreen
from traintui.screens.opening import FailedToOpen
from traintui.screens.performance import PerformanceScreen
from traintui.settings import Settings
from traintui.widgets.header import HeaderBar


def test_what_the_first_frame_needs_imports_no_driver() -> None:
    """The database drivers and the provider's library cost most of a second, so they come after the first frame."""
    program = (
        "import sys, traintui.app, traintui.screens.conversations;"
        "print([name for name in ('sqlalchemy', 'psycopg', 'anthropic', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@asynccontextmanager
async def failing(settings: Settings, **_: object) -> AsyncIterator[Database]:
    raise TraintuiError("Database not reached", "nobody answers on [/db].", "Start the server.")
    yield


async def test_a_workspace_that_does_not_open_is_answered_and_tried_again(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def working(settings: Settings, **_: object) -> AsyncIterator[Database]:
        # A reader's role: nothing is started beside the app.
        yield replace(db, role="auditor")

    monkeypatch.setattr(workspace, "open_workspace", failing)
    app = TraintuiApp(Settings(home=tmp_path))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, FailedToOpen) and app.screen.query(Static))
        shown = " ".join(str(static.content) for static in app.screen.query(Static))
        assert "Nobody answers on [/db]." in shown and "Start the server." in shown
        monkeypatch.setattr(workspace, "open_workspace", working)
        await pilot.press("r")
        await until(pilot, lambda: app.workspace is not None)
        assert not isinstance(app.screen, FailedToOpen)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_leaving_waits_for_what_is_being_written(app: TraintuiApp) -> None:
    import asyncio

    done: list[str] = []
    go = asyncio.Event()

    async def writing() -> None:
        await go.wait()
        done.append("written")

    async def reading() -> None:
        await asyncio.Event().wait()

    async with app.run_test() as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.write(writing, name="test")
        app.read(reading, name="test")
        await pilot.press("q")
        await pilot.pause()
        assert app.is_running
        go.set()
        await until(pilot, lambda: not app.is_running)
    assert done == ["written"]


async def test_a_fault_is_an_answer_and_goes_to_the_log(app: TraintuiApp, tmp_path: Path) -> None:
    async def broken() -> None:
        raise RuntimeError("[/oops] \x1b[31m")

    async with app.run_test() as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.write(broken, name="test")
        await until(pilot, lambda: len(app._notifications) == 1)
        note = next(iter(app._notifications))
        assert "RuntimeError: [/oops] ␛[31m." in note.message and not note.markup
    log = (tmp_path / "logs" / "traintui.log").read_text()
    assert "Traceback" in log and "oops" in log


async def test_the_same_answer_again_takes_the_place_of_the_one_before(app: TraintuiApp) -> None:
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.say("Decide something first.", title="Nothing to undo")
        app.say("It is another.", title="Nothing to undo")
        await until(pilot, lambda: len(app._notifications) == 2)
        before = next(iter(app._notifications))
        app.say("Decide something first.", title="Nothing to undo")
        await until(pilot, lambda: before not in list(app._notifications) and len(app._notifications) == 2)


async def test_a_newer_read_takes_the_place_of_an_older_one_and_no_write_is_cancelled(app: TraintuiApp) -> None:
    import asyncio

    ended: list[str] = []

    def work(name: str, seconds: float) -> Callable[[], object]:
        async def run() -> None:
            await asyncio.sleep(seconds)
            ended.append(name)

        return run

    async with app.run_test() as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.read(work("old", 30), name="test")  # type: ignore[arg-type]
        app.write(work("first", 0.05), name="test")  # type: ignore[arg-type]
        app.write(work("second", 0.05), name="test")  # type: ignore[arg-type]
        app.read(work("new", 0), name="test")  # type: ignore[arg-type]
        await until(pilot, lambda: len(ended) == 3)
    assert set(ended) == {"new", "first", "second"}


@pytest.mark.parametrize("width", [80, 120, 160])
async def test_the_header_fits_and_its_tabs_can_be_clicked(app: TraintuiApp, width: int) -> None:
    async with app.run_test(size=(width, 24)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.pause()
        line = app.screen.query_one(HeaderBar).render()
        assert line.cell_length <= width
        assert line.plain.rstrip().endswith("ada" if width == 80 else "ada (admin)")
        await pilot.click(HeaderBar, offset=(line.plain.index("Review"), 0))
        await until(pilot, lambda: app.current_mode == "review")


async def test_the_keymap_of_the_settings_counts_in_keys_and_help(db: Database, tmp_path: Path) -> None:
    await imported(db, 1)
    app = TraintuiApp(Settings(home=tmp_path, keymap={"app.review": "f2"}), workspace=db)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen))
        assert "f2" in str(app.screen.query_one("#help Static", Static).content)
        await pilot.press("escape", "f2")
        await until(pilot, lambda: app.current_mode == "review")


async def test_the_theme_changes_and_the_palette_names_places(app: TraintuiApp) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        app.action_toggle_theme()
        await pilot.pause()
        assert app.theme == "traintui-light"
        await pilot.press("ctrl+p", *"convrej")
        await until(pilot, lambda: "Reject" in offered(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))


async def test_the_palette_leads_to_each_tab_from_everywhere(app: TraintuiApp) -> None:
    named = {command.action for command in commands.of("app")} | {"show_tab('performance', 'alerts')"}
    for mode, screen in (("audit", AuditScreen), ("performance", PerformanceScreen)):
        assert {f"show_tab('{mode}', '{pane.NAME}')" for pane in screen.PANES} <= named
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.workspace is not None)
        await pilot.press("ctrl+p", *"indexes")
        await until(pilot, lambda: "indexes in Performance" in offered(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PerformanceScreen) and app.screen.which == "indexes")


def offered(app: TraintuiApp) -> str:
    """What stands first in the palette."""
    if not isinstance(app.screen, CommandPalette):
        return ""
    listed = app.screen.query_one(CommandList)
    return str(listed.get_option_at_index(0).prompt) if listed.option_count else ""
