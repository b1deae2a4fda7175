"""Keys that arrive in one piece, as from a slow line, go where the first of them leads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

from e2e.terminal import Terminal, needs_tmux
from support import imported, logged_in
from traintui.data import workspace
from traintui.data.embedded import EmbeddedServer
from traintui.data.users import own_login

pytestmark = [needs_tmux, pytest.mark.xdist_group("homes")]


async def test_what_is_typed_right_after_the_key_of_a_field_is_its_text_and_decides_nothing(
    terminal: Callable[..., Terminal], place: Path
) -> None:
    server = EmbeddedServer(place / "server", durable=False)
    server.start()
    try:
        workspace.make_embedded_workspace(server)
        conninfo = server.conninfo(own_login())
        async with logged_in(conninfo) as db:
            first, *_ = await imported(db, 3)
        url = f"postgresql:///traintui?host={quote(str(server.socket_dir), safe='')}&user={own_login()}"
        app = terminal(cwd=place, environment={"TRAINTUI_DATABASE_URL": url, "TRAINTUI_HOME": str(place / "home")})
        app.shows("3 conversations")
        app.type("/axfd")
        app.shows("/ axfd")
        app.press("Escape")
        app.shows("3 conversations", without="axfd")  # what is sent while esc is read becomes alt and a letter
        app.type("2")
        app.shows(first, "1 of 3 waiting")
        app.type("naxf\x13")  # a note, and the key that keeps it
        app.shows("✎ axf", "1 of 3 waiting")
        app.type("/axu")
        app.shows("/axu")
        app.press("Escape")
        app.shows("1 of 3 waiting", without="/axu")
        app.press("q")
        app.shows("left with 0")
        with psycopg.connect(conninfo) as connection:
            assert connection.execute("SELECT 1 FROM review_logs WHERE action <> 'import'").fetchall() == []
    finally:
        server.stop()
