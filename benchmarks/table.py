"""How quick the table of conversations is: filters, counts, moves and jumps, measured at the bytes that the app writes.

Every answer is compared with plain SQL. `--home DIR` keeps the workspace for the next time.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from pyroaring import BitMap
from sqlalchemy import func, select

from benchmarks.driven import Driven, RecordingDriver
from benchmarks.furnish import furnish
from benchmarks.indexing import searchable
from benchmarks.invented import DIMENSIONS, MODELS, STATUSES
from benchmarks.report import Figure, median, p95, publish
from traintui.data import conversations
from traintui.data.engine import Database
from traintui.data.filters import parse
from traintui.data.finding import find
from traintui.data.listing import NEWEST
from traintui.data.live import Live
from traintui.data.models import Conversation as C
from traintui.data.workspace import open_workspace
from traintui.screens.conversations import ConversationsScreen
from traintui.settings import Settings
from traintui.table_layout import TableLayout

SIZE = (160, 45)
OFFERED = 13
"""Rows that what the completion offers may cover."""
LOAD_PER_MILLION = 360
"""Seconds."""
GOALS: dict[str, float | None] = {
    "filter_rows": 50, "filter_all": 50, "server_rows": 150, "server_all": 1_500, "any_first_rows": 500,
    "slow_all": None, "down": 8, "page_down": 30, "page_up": 30, "jump": 60,
}  # fmt: skip
"""Milliseconds that 95 of 100 should not exceed: `rows` until the rows of a filter are on the terminal, `all` until its
total and facets are. `server` is a filter with a term for the server, `slow` one that looks through all rows."""


def local_terms(luck: random.Random) -> str:
    """A term that a row answers by itself."""
    kind = luck.randrange(9)
    name = luck.choice(list(DIMENSIONS))
    values = luck.sample(DIMENSIONS[name], luck.choice((1, 1, 2, 3)) if name != "tier" else 1)
    low = luck.randrange(0, 9)
    return (
        f"{name}:{','.join(values)}", f"{name}:{','.join(values)}", f"-{name}:{values[0]}",
        f"status:{luck.choice(list(STATUSES))}", f"score>={low}", f"score:{low}..{low + 1.5}",
        f"created>=-{luck.randrange(30, 300)}d", f"is:{luck.choice(('flagged', 'seed', 'rehearsal'))}",
        f"model:{luck.choice(list(MODELS))}",
    )[kind]  # fmt: skip


def server_terms(luck: random.Random, words: list[str]) -> str:
    """A term that the server answers."""
    return luck.choice(
        [
            *(luck.choice(words) for _ in range(3)), '"late fee"', '"roth ira"', '"credit union"', '"escrow shortage"',
            "meta.source:web", "meta.source:phone", f"meta.batch:{luck.randrange(1, 40)}", "has:meta.reviewer",
            "meta.checked:true", "document:guide_7", "run:5",
        ]
    )  # fmt: skip


def slow_terms(luck: random.Random) -> str:
    """A range on a metadata key that nobody registered."""
    return f"meta.score{luck.choice(('>', '<', '>='))}{luck.randrange(1, 9)}"


@dataclass
class Measured:
    """Milliseconds, by figure."""

    times: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, name: str, began: float, ended: float) -> None:
        """Notes a time span."""
        self.times.setdefault(name, []).append((ended - began) * 1_000)


class Table:
    """The table of a running app."""

    def __init__(self, driven: Driven, db: Database) -> None:
        self.driven, self.db = driven, db
        self.page = 0

    @property
    def screen(self) -> ConversationsScreen:
        """The screen."""
        screen = self.driven.app.get_screen_stack("conversations")[0]
        if not isinstance(screen, ConversationsScreen):
            raise SystemExit("The app shows another screen.")
        return screen

    @property
    def visible(self) -> list[str]:
        """The public ids on the screen."""
        return [row.conversation_id for row in self.screen.table.rows]

    @property
    def is_complete(self) -> bool:
        """Whether everything that matches is known."""
        listing = self.screen._listing
        return listing is not None and listing.complete and self.screen._looked is None

    def counted(self) -> set[str]:
        """The total and the counts of the statuses, as they stand on the screen."""
        live, wanted, listing = self.driven.app.live, self.screen._wanted, self.screen._listing
        facets = live.facets(wanted) if live and wanted else None
        if facets is None or listing is None:
            return set()
        return {f"{number:,}" for number in (listing.total, *facets["status"].values()) if number > 99}

    async def expected(self, filter_text: str) -> tuple[list[str], int]:
        """What plain SQL says: the first rows of the newest, and how many match."""
        wanted = parse(filter_text)
        async with self.db.read() as connection:
            rows = select(C.conversation_id).where(wanted.where).order_by(*NEWEST.sql).limit(self.page)
            total = await connection.scalar(select(func.count()).select_from(C).where(wanted.where))
            return list(await connection.scalars(rows)), total or 0

    async def filter_key(self, measured: Measured, name: str, filter_text: str) -> None:
        """Types the last letter of a filter; the times until its rows, and until its total and facets are there.

        Where the letter brings no row, or no figure, that was not there before, there is nothing to wait for.
        """
        line = self.screen.filter_line
        line.field.focus()
        line.field.value = filter_text[:-1]
        line.field.cursor_position = len(filter_text) - 1
        await self.driven.settled()
        await self.driven.until(lambda: self.is_complete)
        await self.driven.settled()
        rows, total = await self.expected(filter_text)
        before = set(self.visible)
        figures = self.counted()
        began = self.driven.press(filter_text[-1], filter_text[-1])
        new = [one for one in rows[OFFERED:] if one not in before]
        if new:
            measured.add(f"{name}_rows", began, await self.driven.shows(new))
        await self.driven.until(lambda: self.screen.filter_text == filter_text and self.is_complete)
        counted = self.counted() - figures
        if counted:
            measured.add(f"{name}_all", began, await self.driven.shows(counted))
        await self.driven.settled()
        listing = self.screen._listing
        if listing is None or self.visible != rows or listing.total != total:
            shown = "no listing" if listing is None else f"{listing.total:,} of {total:,}"
            await asyncio.sleep(2)
            late = self.visible == rows and self.screen._listing is not None and self.screen._listing.total == total
            measured.wrong.append(f"{filter_text} ({shown}{', right two seconds later' if late else ''})")


async def keys(table: Table, measured: Measured, moves: int) -> None:
    """Moves of the cursor and jumps in all conversations."""
    screen, driven = table.screen, table.driven
    screen.apply("")
    screen.table.focus()
    await driven.settled()
    for name, key, times, size in (
        ("down", "down", moves, 100),
        ("page_down", "pagedown", moves // 2, 2_000),
        ("page_up", "pageup", moves // 3, 2_000),
    ):
        await driven.settled(0.15)
        driven.press(key)  # the first page only moves the cursor to the other end of the view
        for _ in range(times):
            await driven.settled(0.15)
            began = driven.press(key)
            measured.add(name, began, await driven.drawn(size))
    for _ in range(max(1, moves // 12)):
        for key, rank in (("G", screen.table.total - 1), ("g", 0)):
            began = driven.press(key, key)
            await driven.until(partial(arrived, screen, rank))
            measured.add("jump", began, await driven.drawn())
            await driven.settled(0.2)
        RecordingDriver.written.clear()
        began = time.perf_counter()
        screen.table.jump(screen.table.total // 2)
        await driven.until(lambda: screen.table.current is not None)
        measured.add("jump", began, await driven.drawn())
        await driven.settled(0.2)


def arrived(screen: ConversationsScreen, rank: int) -> bool:
    """Whether the cursor is on a row that is here."""
    return screen.table.cursor == rank and screen.table.current is not None


async def scaling(db: Database, live: Live) -> tuple[float, float]:
    """Median milliseconds of a window (its ids and rows), and of a total with all facets."""
    luck = random.Random(3)
    windows, counts = [], []
    for _ in range(60):
        wanted = parse(" ".join(local_terms(luck) for _ in range(luck.randrange(1, 4))))
        began = time.perf_counter()
        listing = live.listing(wanted, NEWEST)
        if listing is None:
            continue
        await conversations.rows(db, listing.ids(listing.total // 3, 43))
        windows.append((time.perf_counter() - began) * 1_000)
        began = time.perf_counter()
        live.facets(wanted)
        counts.append((time.perf_counter() - began) * 1_000)
    return median(windows), median(counts)


async def exact(live: Live, db: Database) -> int:
    """How many of 40 filters differ from SQL in their first rows."""
    luck, wrong = random.Random(5), 0
    for _ in range(40):
        wanted = parse(" ".join(local_terms(luck) for _ in range(luck.randrange(1, 4))))
        last = [finding async for finding in find(live, wanted, NEWEST)][-1]
        async with db.read() as connection:
            ids = list(await connection.scalars(select(C.id).where(wanted.where).order_by(*NEWEST.sql).limit(50)))
        wrong += list(last.listing.ids(0, 50)) != ids
    return wrong


async def some_words(db: Database, luck: random.Random) -> list[str]:
    """Words from the text, common and rare as they come."""
    from sqlalchemy import text

    async with db.read() as connection:
        rows = await connection.scalars(text("SELECT content FROM conversation_turns WHERE id % 7 = 3 LIMIT 200"))
        words = {word.strip(".,?!").lower() for row in rows for word in row.split()}
    return luck.sample(sorted(word for word in words if len(word) > 3), min(60, len(words)))


async def measure(home: Path, filters: int, moves: int) -> tuple[Measured, dict[str, float]]:
    """Everything that is measured in the running app."""
    luck, measured, single = random.Random(11), Measured(), {}
    settings = Settings(home=home)
    async with AsyncExitStack() as stack:
        db = await stack.enter_async_context(open_workspace(settings))
        single["index"] = await searchable(db)
        words = await some_words(db, luck)
        began = time.perf_counter()
        driven = await stack.enter_async_context(Driven(settings, db, SIZE))
        table = Table(driven, db)
        await driven.until(lambda: table.screen.ready and table.visible)
        single["first_rows"] = (time.perf_counter() - began) * 1_000
        await driven.until(lambda: driven.app.live and driven.app.live.mirror)
        single["mirror"] = time.perf_counter() - began
        table.screen.keep_layout(TableLayout(("id", "status", "score", "persona", "opening")))
        await driven.settled()
        table.page = len(table.visible)
        for number in range(filters):
            wanted = " ".join(local_terms(luck) for _ in range(1 + number % 4))
            await table.filter_key(measured, "filter", wanted)
        for number in range(max(8, filters // 5)):
            rest = " ".join(local_terms(luck) for _ in range(number % 3))
            await table.filter_key(measured, "server", f"{rest} {server_terms(luck, words)}".strip())
        for number in range(max(3, filters // 40)):
            rest = " ".join(local_terms(luck) for _ in range(number % 2))
            await table.filter_key(measured, "slow", f"{rest} {slow_terms(luck)}".strip())
        await keys(table, measured, moves)
        single["held_down"] = await driven.held("down", min(90, moves))
        single["held_page"] = await driven.held("pagedown", min(90, moves))
        live = driven.app.live
        if live is not None:
            single["inexact"] = await exact(live, db)
            single["bitmaps_mb"] = sum(len(ids.serialize()) for ids in bitmaps_of(live)) / 1e6
    return measured, single


def bitmaps_of(live: Live) -> list[BitMap]:
    """All of the copy in memory."""
    mirror = live.mirror
    if mirror is None:
        return []
    keys = [ids for values in mirror.keys.values() for ids in values.values()]
    slices = [ids for numbers in mirror.figures.values() for ids in (numbers.present, *numbers.slices)]
    return [mirror.every, *mirror.marks.values(), *keys, *slices]


async def scaled(home: Path) -> tuple[float, float]:
    """`scaling` of a workspace without a screen, so that two of them compare."""
    async with open_workspace(Settings(home=home)) as db:
        live = Live(db)
        await live.load()
        await scaling(db, live)  # once for the caches
        return await scaling(db, live)


def memory(home: Path, rows: int) -> float:
    """Megabytes that the app itself takes once everything is counted, in a process of its own."""
    import fcntl
    import pty
    import select as waiting
    import struct
    import subprocess
    import sys
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))
    variables = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-m", "traintui"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={**variables, "TRAINTUI_HOME": str(home), "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(theirs)
    until = time.monotonic() + 8 + rows / 50_000
    try:
        while time.monotonic() < until:
            if waiting.select([ours], [], [], 0.2)[0]:
                os.read(ours, 65_536)
        settled = psutil.Process(process.pid).memory_info().rss / 1e6
        os.write(ours, b"q")
        process.wait(20)
    finally:
        os.close(ours)
    return settled


def report(rows: int, loaded: float, small: tuple[float, float], large: tuple[float, float], megabytes: float,
           measured: Measured, single: dict[str, float]) -> dict[str, Figure]:  # fmt: skip
    """The figures with their goals."""
    figures = {"load_s": Figure(round(loaded, 1), "s", LOAD_PER_MILLION * max(1, rows / 1e6))}
    times = measured.times
    times["any_first_rows"] = [ms for kind in ("filter", "server", "slow") for ms in times.get(f"{kind}_rows", [])]
    for name, goal in GOALS.items():
        if spans := times.get(name):
            figures[f"{name}_median_ms"] = Figure(median(spans), "ms")
            figures[f"{name}_p95_ms"] = Figure(p95(spans), "ms", goal)
    figures |= {
        "held_down_frames": Figure(round(single["held_down"], 1), "1/s", 25, at_least=True),
        "held_page_frames": Figure(round(single["held_page"], 1), "1/s", 25, at_least=True),
        "memory_mb": Figure(round(megabytes, 1), "MB", 150),
        "bitmaps_mb": Figure(round(single["bitmaps_mb"], 1), "MB"),
        "first_rows_ms": Figure(round(single["first_rows"], 1), "ms"),
        "bitmaps_loaded_s": Figure(round(single["mirror"], 2), "s"),
        "window_median_ms": Figure(large[0], "ms"),
        "count_median_ms": Figure(large[1], "ms"),
        "window_growth": Figure(round(large[0] / small[0], 2), "times", 1.5),
        "count_growth": Figure(round(large[1] / small[1], 2), "times", 12),
        "wrong_answers": Figure(len(measured.wrong) + single["inexact"], "filters", 0),
    }
    return figures


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--filters", type=int, default=200)
    parser.add_argument("--moves", type=int, default=120, help="how often the cursor is moved")
    parser.add_argument("--home", type=Path, help="a workspace that is kept; made where it is missing")
    parser.add_argument("--small-home", type=Path, help="the same with a tenth of the rows, for the growth")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    os.environ["TRAINTUI_CONFIG"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="tb-", dir="/var/tmp") as directory:
        Path(directory).chmod(0o711)
        home = chosen.home or Path(directory) / "home"
        small_home = chosen.small_home or Path(directory) / "small"
        furnished = furnish(home, chosen.rows, say=lambda _: None)
        furnish(small_home, max(100, chosen.rows // 10), say=lambda _: None)
        small, large = asyncio.run(scaled(small_home)), asyncio.run(scaled(home))
        measured, single = asyncio.run(measure(home, chosen.filters, chosen.moves))
        figures = report(chosen.rows, furnished.seconds, small, large, memory(home, chosen.rows), measured, single)
        notes = [
            f"{chosen.filters} filters of 1 to 4 terms, from the key to the last of their rows on the terminal",
            f"searchable after {single['index']:.0f} s more",
            *(f"differs from SQL: {text}" for text in measured.wrong[:5]),
        ]
        publish("table", chosen.rows, figures, notes, as_json=chosen.json)


if __name__ == "__main__":
    main()
