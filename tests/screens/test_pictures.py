"""Pictures of each screen at the smallest terminal and a common one, in both themes, with the clock standing still."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from textual.pilot import Pilot

import traintui
from restoring import restore
from screens.waiting import strips, until
from support import logged_in
from traintui import clock
from traintui.app import TraintuiApp
from traintui.data import health
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.records import ServerFacts, TableSize
from traintui.settings import Settings

STILL = 0.15
"""Seconds without another look after which a picture is taken."""
SIZES = [(80, 24), (120, 40)]
Before = Callable[[Pilot[None]], Awaitable[None]]
pytestmark = pytest.mark.xdist_group("pictures")


@pytest.fixture(scope="module")
def database(server: EmbeddedServer) -> Iterator[str]:
    """The workspace of a dump: its ids, texts and times are always the same."""
    restore(server, "pictures", "0001")
    with psycopg.connect(server.conninfo(SUPERUSER, "pictures")) as connection:
        row = connection.execute("SELECT max(updated_at) FROM conversations").fetchone()
    assert row is not None
    yield server.conninfo("ada", "pictures")
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE pictures WITH (FORCE)")


class Standing(TraintuiApp):
    """The app on the workspace of the pictures; the clock stands a little after the last thing that happened there."""

    CSS_PATH = Path(traintui.__file__).with_name("app.tcss")

    def __init__(self, conninfo: str, home: Path, *, theme: Literal["dark", "light"]) -> None:
        super().__init__(Settings(home=home, theme=theme))
        self._conninfo = conninfo

    async def _hold(self) -> None:
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(logged_in(self._conninfo))
            self._opened(database)
            await self._leave.wait()


@pytest.fixture(autouse=True)
def nothing_is_open(server: EmbeddedServer, database: str) -> None:
    """What the app of the picture before had open is not left to its lease."""
    with psycopg.connect(server.conninfo(SUPERUSER, "pictures")) as connection:
        connection.execute("DELETE FROM reservations")


@pytest.fixture(autouse=True)
def standing_clock() -> Iterator[None]:
    with clock.fixed(datetime(2026, 11, 23, 13, 0, tzinfo=UTC)):
        yield


@pytest.fixture(autouse=True)
def steady_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and uptimes differ from run to run; the screen is drawn with figures of the same shape."""
    facts = ServerFacts(
        version="18.4", database_bytes=12_400_000, connections=6, max_connections=60,
        started_at=datetime(2026, 11, 23, 9, 0, tzinfo=UTC), cache_hit_ratio=0.993, schema_revision="0001",
    )  # fmt: skip
    sizes = (
        TableSize("generation_logs", 16, True, 245_760, 81_920, 327_680),
        TableSize("conversations", 1_204_331, False, 49_152, 147_456, 196_608),
        TableSize("conversation_turns", 84, True, 57_344, 32_768, 90_112),
    )

    async def same_facts(_: object) -> ServerFacts:
        return facts

    async def same_sizes(_: object) -> tuple[TableSize, ...]:
        return sizes

    monkeypatch.setattr(health, "server_facts", same_facts)
    monkeypatch.setattr(health, "table_sizes", same_sizes)


def shows(*texts: str, press: tuple[str, ...] = (), between: tuple[str, ...] = ()) -> Before:
    """Goes to a screen from Conversations, and waits until it shows the texts and no worker reads any more; after each
    key but the last, until it shows what is `between`."""

    async def before(pilot: Pilot[None]) -> None:
        app = pilot.app
        await until(pilot, lambda: getattr(app, "labels", None) and getattr(app, "live", None) and app.live.mirror)  # type: ignore[attr-defined]
        await settled(pilot, "to review")
        for key in press[:-1]:
            await pilot.press(key)
            await settled(pilot, *between)
        await pilot.press(*press[-1:])
        await settled(pilot, *texts)

    return before


async def settled(pilot: Pilot[None], *texts: str) -> None:
    """Returns when the texts are on the screen and nothing is being read."""
    await pilot.pause()
    await until(pilot, lambda: all(text in painted(pilot) for text in texts))
    before = ""
    while (now := painted(pilot)) != before:  # what follows the cursor does so after a moment
        before = now
        await pilot.pause(STILL)
        await until(pilot, lambda: not reading(pilot))


def reading(pilot: Pilot[None]) -> bool:
    """Whether something is being read."""
    return any(worker.group.startswith("read") and not worker.is_finished for worker in pilot.app.workers)


def painted(pilot: Pilot[None]) -> str:
    """The text on the screen."""
    width, height = pilot.app.size
    return "\n".join(strip.text[:width] for strip in strips(pilot.app)[:height])


VIEWS: dict[str, Before] = {
    "conversations": shows("to review"),
    "review": shows("User", "waiting", press=("2",)),
    "generate": shows("More questions", "Paused by hand", press=("3",)),
    "audit": shows("generate", press=("4",)),
    "performance": shows("18.4", "conversation_turns", press=("5",)),
    "reasons": shows("Not grounded in the source", press=("2", "x"), between=("User", "waiting")),
    "help": shows("Keys", press=("question_mark",)),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("view", VIEWS)
def test_a_screen_looks_as_it_did(
    snap_compare: Any, database: str, tmp_path: Path, view: str, size: tuple[int, int]
) -> None:
    app = Standing(database, tmp_path, theme="dark")
    assert snap_compare(app, terminal_size=size, run_before=VIEWS[view])


@pytest.fixture
def chosen_target(server: EmbeddedServer, database: str) -> Iterator[None]:
    """The workspace trains with TRL, with a limit that its conversations pass."""
    with psycopg.connect(server.conninfo(SUPERUSER, "pictures"), autocommit=True) as connection:
        value = '[{"format": "trl", "limit": 60}, {"format": "axolotl"}]'
        connection.execute("INSERT INTO workspace_settings (key, value) VALUES ('training.targets', %s)", [value])
        yield
        connection.execute("DELETE FROM workspace_settings WHERE key = 'training.targets'")


@pytest.mark.usefixtures("chosen_target")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_lens_looks_as_it_did(snap_compare: Any, database: str, tmp_path: Path, size: tuple[int, int]) -> None:
    app = Standing(database, tmp_path, theme="dark")
    before = shows("TRL stops at", "lost", press=("2", "l"), between=("User", "waiting", "TRL cuts"))
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.usefixtures("chosen_target")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_training_targets_look_as_they_did(
    snap_compare: Any, database: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = Standing(database, tmp_path, theme="dark")
    before = shows("Training targets", "estimated", press=("2", "L"), between=("User", "waiting", "TRL cuts"))
    assert snap_compare(app, terminal_size=size, run_before=before)


@pytest.mark.parametrize("view", ["conversations", "review"])
def test_a_screen_looks_as_it_did_in_the_light_theme(
    snap_compare: Any, database: str, tmp_path: Path, view: str
) -> None:
    app = Standing(database, tmp_path, theme="light")
    assert snap_compare(app, terminal_size=(120, 40), run_before=VIEWS[view])


@pytest.fixture
def something_wrong(server: EmbeddedServer, database: str) -> Iterator[None]:
    """Somebody keeps others waiting, and the growth of a disk was seen by somebody."""
    with psycopg.connect(server.conninfo(SUPERUSER, "pictures"), autocommit=True) as connection:
        connection.execute(
            """
            INSERT INTO alerts (id, kind, subject, severity, state, says, evidence, around, opened_at, acknowledged_at,
                                acknowledged_by)
            VALUES (900, 'blocking', 'arthur, process 4711 (psql)', 'urgent', 'open',
                    'arthur, process 4711 (psql) keeps 3 waiting, the longest for 42 s, for conversations',
                    '{"pid": 4711}', '[{"at": "2026-11-23T11:00:00+00:00", "what": "growth",
                                        "says": "conversations grew from 20000 to 90000 rows"}]',
                    '2026-11-23T12:40:00Z', NULL, NULL),
                   (901, 'growth', '', 'warning', 'acknowledged',
                    'It has 4.2 GB and doubles in 21 days at its pace; how much space is left is not known here',
                    '{}', '[]', '2026-11-22T12:40:00Z', '2026-11-22T13:00:00Z', 'ada')
            """
        )
        connection.execute(
            "INSERT INTO alert_events (alert_id, at, event, login, said)"
            " VALUES (900, '2026-11-23T12:40:00Z', 'opened', 'ada', ''),"
            " (900, '2026-11-23T12:40:01Z', 'hook', 'ada', 'opened: the hook ran on desk')"
        )
        yield
        connection.execute("DELETE FROM alerts")


@pytest.mark.usefixtures("something_wrong")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_alerts_look_as_they_did(snap_compare: Any, database: str, tmp_path: Path, size: tuple[int, int]) -> None:
    app = Standing(database, tmp_path, theme="dark")
    assert snap_compare(app, terminal_size=size, run_before=shows("not over", press=("exclamation_mark",)))


@pytest.mark.usefixtures("something_wrong")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_an_overview_with_alerts_looks_as_it_did(
    snap_compare: Any, database: str, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = Standing(database, tmp_path, theme="dark")
    before = shows("18.4", "keeps 3 waiting", "conversation_turns", press=("5",))
    assert snap_compare(app, terminal_size=size, run_before=before)
