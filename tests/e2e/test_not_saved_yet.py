"""The server stops, keys are pressed, the app is killed, and nothing that the screen said is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from e2e.terminal import Terminal, needs_tmux
from homes import furnished_home
from support import imported, logged_in
from traintui.data.embedded import EmbeddedServer
from traintui.data.users import own_login

pytestmark = [needs_tmux, pytest.mark.xdist_group("homes")]
Open = Callable[..., Terminal]


async def test_a_press_that_the_screen_has_kept_outlives_the_server_and_a_kill(terminal: Open, place: Path) -> None:
    server = EmbeddedServer(furnished_home(place / "server"), durable=False)
    server.start()
    try:
        conninfo = server.conninfo(own_login())
        async with logged_in(conninfo) as db:
            first, second, *_ = await imported(db, 3)
        url = f"postgresql:///traintui?host={quote(str(server.socket_dir), safe='')}&user={own_login()}"
        environment = {"TRAINTUI_DATABASE_URL": url, "TRAINTUI_HOME": str(place / "home")}
        app = terminal(cwd=place, environment=environment)
        app.shows("3 conversations")
        app.press("2")
        app.shows(first, "1 of 3 waiting", "User  1")
        server.stop()
        app.press("a")
        app.shows(second, "not saved yet: 1")
        os.kill(app.pid, signal.SIGKILL)
        app.shows("left with 137")
        server.start()
        again = terminal(cwd=place, environment=environment)
        again.shows("Saved at this start: 1 press that had waited")
        with psycopg.connect(conninfo) as connection:
            rows = connection.execute("SELECT conversation_id, action FROM review_logs WHERE action <> 'import'")
            assert rows.fetchall() == [(first, "approve")]
        again.press("q")
        again.shows("left with 0")
        assert list((place / "home" / "outbox").rglob("*.jsonl")) == []
    finally:
        server.stop()


async def test_an_embedded_server_that_was_killed_is_started_again_and_what_was_pressed_is_saved(
    terminal: Open, place: Path
) -> None:
    server = EmbeddedServer(furnished_home(place / "home"), durable=False)
    server.start()
    async with logged_in(server.conninfo(own_login())) as db:
        first, second, *_ = await imported(db, 3)
    server.stop()
    app = terminal(cwd=place, environment={"TRAINTUI_HOME": str(place / "home")})
    app.shows("3 conversations")
    app.press("2")
    app.shows(first, "1 of 3 waiting", "User  1")
    os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    app.press("a")
    app.shows(second, "The database had ended and was started again", without="not saved yet")
    with psycopg.connect(server.conninfo(own_login())) as connection:
        rows = connection.execute("SELECT conversation_id, action FROM review_logs WHERE action <> 'import'")
        assert rows.fetchall() == [(first, "approve")]
    app.press("q")
    app.shows("left with 0")
    assert not server.running()
