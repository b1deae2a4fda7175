"""Every screen opens on a workspace that an earlier Traintui made."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from textual.pilot import Pilot
from textual.screen import Screen

import traintui
from restoring import REVISIONS, restore
from screens.waiting import until
from support import logged_in
from traintui import commands
from traintui.app import TraintuiApp
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.errors import TraintuiError
from traintui.screens.tabs import TabbedScreen
from traintui.settings import Settings

NOT_OPENED = {"app.quit", "app.palette", "app.theme"}
"""What opens no screen."""


class Answering(TraintuiApp):
    """The app, which keeps what it told of errors."""

    CSS_PATH = Path(traintui.__file__).with_name("app.tcss")
    told: list[str]

    def answer(self, error: BaseException) -> TraintuiError:
        answer = super().answer(error)
        self.told = [*getattr(self, "told", ()), f"{answer.title}: {answer.message}"]
        return answer


@pytest.fixture(params=REVISIONS)
def old(request: pytest.FixtureRequest, server: EmbeddedServer) -> Iterator[str]:
    """The connection string of an administrator to the workspace of a revision, brought to the newest."""
    name = f"opened_{request.param}"
    restore(server, name, request.param)
    yield server.conninfo("ada", name)
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


async def read(pilot: Pilot[None]) -> None:
    """Returns when nothing is being read any more."""
    await pilot.pause()
    await until(pilot, lambda: not any(w.group.startswith("read") and not w.is_finished for w in pilot.app.workers))


def is_left(app: TraintuiApp, screen: Screen[Any]) -> bool:
    """Whether the app shows another screen by now."""
    return app.screen is not screen


async def test_every_screen_opens_on_an_old_workspace(old: str, tmp_path: Path) -> None:
    doors = [command for command in commands.of("app") if command.id not in NOT_OPENED]
    assert len(doors) > 12
    opened: set[str] = set()
    async with logged_in(old) as db:
        app = Answering(Settings(home=tmp_path), workspace=db)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.labels and app.live and app.live.mirror)
            for command in doors:
                await app.run_action(command.action)
                await read(pilot)
                screen = app.screen
                opened.add(type(screen).__name__)
                if isinstance(screen, TabbedScreen):
                    for pane in screen.PANES:
                        screen.go(pane.NAME)
                        await read(pilot)
                        opened.add(pane.__name__)
                while len(app.screen_stack) > 1:
                    await pilot.press("escape")
                    await until(pilot, partial(is_left, app, screen))
            assert getattr(app, "told", []) == []
    assert len(opened) > 20, opened
