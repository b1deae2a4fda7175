"""A table of any length: what is under the cursor is what is drawn there, and only what is in view is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from textual.app import App, ComposeResult
from textual.content import Content
from textual.events import MouseScrollUp
from textual.pilot import Pilot
from textual.scrollbar import ScrollTo

from screens.waiting import until
from traintui import text
from traintui.widgets import themes
from traintui.widgets.row_store import RowStore
from traintui.widgets.windowed_table import Column, WindowedTable

MILLION = 1_000_000


class Numbers:
    """All ids from 1 to `total`."""

    complete = True

    def __init__(self, total: int) -> None:
        self.total = total

    def ids(self, start: int, count: int) -> Sequence[int]:
        return range(start + 1, min(start + count, self.total) + 1)

    def rank(self, id: int) -> int | None:
        return id - 1 if 1 <= id <= self.total else None


class Some:
    """These ids, in this order."""

    complete = True

    def __init__(self, ids: Iterable[int]) -> None:
        self._ids = list(ids)
        self.total = len(self._ids)

    def ids(self, start: int, count: int) -> Sequence[int]:
        return self._ids[start : start + count]

    def rank(self, id: int) -> int | None:
        return self._ids.index(id) if id in self._ids else None


def numbered(n: int, row: str) -> Content:
    return Content(f"{n} of {row}")


def columns(extra: int = 0) -> list[Column[str]]:
    return [
        Column("Name", 12, lambda row: text.shown(row, single_line=True), name="name"),
        Column("Length", 6, lambda row: Content(str(len(row))), right=True, name="length"),
        *(Column(f"Extra {n}", 20, partial(numbered, n)) for n in range(extra)),
        Column("Rest", 0, lambda row: Content("end")),
    ]


class TableApp(App[None]):
    """A table whose rows come when `gate` is open."""

    def __init__(self, columns: Sequence[Column[str]]) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self.columns = columns
        self.gate = asyncio.Event()
        self.gate.set()
        self.asked: list[list[int]] = []
        self.broken = False
        self.gone: set[int] = set()
        self.names: dict[int, str] = {}
        self.said: list[object] = []

    def compose(self) -> ComposeResult:
        yield WindowedTable[str](self.columns, self.fetch)

    async def fetch(self, ids: Sequence[int]) -> Mapping[int, str]:
        self.asked.append(list(ids))
        answer = {id: self.names.get(id, f"row {id}") for id in ids if id not in self.gone}
        await self.gate.wait()
        await asyncio.sleep(0)
        if self.broken:
            raise ConnectionError("no server")
        return answer

    @property
    def table(self) -> WindowedTable[str]:
        return self.query_one(WindowedTable)

    def on_windowed_table_moved(self, event: WindowedTable.Moved[str]) -> None:
        self.said.append(event.row)

    def on_windowed_table_opened(self, event: WindowedTable.Opened[str]) -> None:
        self.said.append(("opened", event.row))

    def on_listing_table_selection_changed(self, event: WindowedTable.SelectionChanged) -> None:
        self.said.append(("selected", event.count))

    def on_listing_table_jump_requested(self, event: WindowedTable.JumpRequested) -> None:
        self.said.append("jump")

    def on_wide_table_sort_requested(self, event: WindowedTable.SortRequested) -> None:
        self.said.append(("sort", event.column_name))

    def on_windowed_table_fetch_failed(self, event: WindowedTable.FetchFailed) -> None:
        self.said.append(event.error)


def app_of(extra: int = 0) -> TableApp:
    return TableApp(columns(extra))


def lines(table: WindowedTable[str]) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def width_of(table: WindowedTable[str]) -> int:
    return table.scrollable_content_region.width


def cursor_line(table: WindowedTable[str]) -> int:
    return table.cursor - table.scroll_offset.y


async def here(app: TableApp, pilot: Pilot[None]) -> None:
    """Waits until all rows of the view are drawn, and nothing is being read."""
    await until(pilot, lambda: not any("·" in line for line in lines(app.table)) and app.table.current is not None)
    await until(pilot, lambda: not any(worker.name == "rows" for worker in app.workers))
    await pilot.pause()


async def test_the_cursor_follows_its_id_and_stays_on_its_line() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(1000))
        app.table.jump(500)
        await here(app, pilot)
        line = cursor_line(app.table)
        app.table.show(Some([*range(5000, 5100), *range(1, 1001)]))
        assert (app.table.cursor, app.table.current_id, cursor_line(app.table)) == (600, 501, line)
        await here(app, pilot)
        assert app.table.current == "row 501"
        app.table.show(Some(range(1000, 0, -1)))
        assert (app.table.cursor, cursor_line(app.table)) == (499, line)


async def test_a_row_that_goes_leaves_the_cursor_in_its_place() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(50))
        app.table.jump(20)
        await here(app, pilot)
        app.table.show(Some(id for id in range(1, 51) if id != 21))
        await here(app, pilot)
        assert (app.table.cursor, app.table.current) == (20, "row 22")
        app.table.show(Some([3, 4]))
        await here(app, pilot)
        assert (app.table.cursor, app.table.current) == (1, "row 4")
        app.table.show(Some([]))
        await until(pilot, lambda: app.said[-1] is None)
        assert (app.table.cursor, app.table.current, app.table.current_id) == (0, None, None)


async def test_a_cursor_that_nobody_moved_stays_on_top() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Some([5, 6, 7]))
        await here(app, pilot)
        app.table.show(Some([4, 5, 6, 7]))
        assert app.table.current_id == 4
        app.table.stay()
        app.table.show(Some([3, 4, 5, 6, 7]))
        assert app.table.current_id == 4
        app.table.show(Some([3, 4, 5, 6, 7]), top=True)
        assert app.table.current_id == 3


async def test_rows_elsewhere_do_not_move_a_view_that_was_scrolled_away() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(1000))
        await here(app, pilot)
        app.table.stay()
        app.table.scroll_to(y=300, animate=False)
        await here(app, pilot)
        app.table.show(Some([2000, *range(1, 1001)]))
        await here(app, pilot)
        assert "row 301" in lines(app.table)[1]
        assert app.table.current_id == 1


async def test_a_failed_read_is_a_message_and_the_next_move_reads_again() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.broken = True
        app.table.show(Numbers(MILLION))
        await until(pilot, lambda: any(isinstance(said, ConnectionError) for said in app.said))
        assert app.table.current is None
        app.broken = False
        asked = len(app.asked)
        await pilot.press("j")
        await here(app, pilot)
        assert app.table.current == "row 2"
        assert len(app.asked) > asked


async def test_a_late_answer_for_an_old_listing_is_dropped() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.gate.clear()
        app.table.show(Numbers(1000))
        await until(pilot, lambda: app.asked)
        app.table.show(Some([500_000, 3]), top=True)
        app.gate.set()
        await here(app, pilot)
        assert app.table.current == "row 500000"
        assert 1 in app.asked[0]
        assert 500_000 in app.asked[1]
        assert 3 not in app.asked[1], "a row that is still wanted need not be read again"
        app.table.show(Numbers(1000), top=True)
        await here(app, pilot)
        assert 1 in app.asked[2], "a row that was not wanted any more was not kept"


async def test_what_is_drawn_stays_until_the_new_rows_are_here_and_is_not_current() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(1000))
        await here(app, pilot)
        before = lines(app.table)
        app.gate.clear()
        app.table.show(Some(range(900, 800, -1)), top=True)
        assert lines(app.table) == before
        assert (app.table.current_id, app.table.current) == (900, None)
        await pilot.press("enter")
        await until(pilot, lambda: "·" in lines(app.table)[1])
        assert app.table.current is None
        app.gate.set()
        await here(app, pilot)
        assert "row 900" in lines(app.table)[1]
        assert not any(isinstance(said, tuple) for said in app.said)


async def test_what_stands_beside_the_rows_is_drawn_with_them_or_soon_where_they_are_late() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        drawn: list[str] = []
        app.table.show(Numbers(1000))
        await here(app, pilot)
        app.table.draw_beside(lambda: drawn.append(lines(app.table)[1][3:8]))
        assert drawn == ["row 1"]
        app.table.show(Some(range(900, 800, -1)), top=True)
        app.table.draw_beside(lambda: drawn.append("of a filter before"))
        app.table.draw_beside(lambda: drawn.append(lines(app.table)[1][3:10]))
        assert drawn == ["row 1"]
        await here(app, pilot)
        assert drawn == ["row 1", "row 900"]
        app.gate.clear()
        app.table.show(Some(range(700, 600, -1)), top=True)
        app.table.draw_beside(lambda: drawn.append("late"))
        await until(pilot, lambda: drawn[2:] == ["late"])
        app.gate.set()
        await here(app, pilot)
        assert drawn[2:] == ["late"]


async def test_rows_that_changed_are_read_anew_and_the_old_ones_stay_until_then() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(1000))
        await here(app, pilot)
        app.names = {1: "new one", 2: "new two"}
        app.gate.clear()
        asked = len(app.asked)
        app.table.forget([1, 2, 900])
        await until(pilot, lambda: len(app.asked) > asked)
        assert app.asked[-1] == [1, 2]
        assert app.table.current == "row 1"
        app.names = {1: "newer one", 2: "newer two"}
        app.table.forget([1])
        app.gate.set()
        await until(pilot, lambda: app.table.current == "newer one")
        await here(app, pilot)
        assert "newer one" in lines(app.table)[1]
        assert "new two" in lines(app.table)[2], "only what changed since it was asked for is read once more"
        assert app.said[-1] == "newer one"


async def test_what_is_forgotten_while_it_is_being_read_is_read_once_more() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.gate.clear()
        app.table.show(Numbers(1000))
        await until(pilot, lambda: app.asked)
        app.names = {1: "new one"}
        app.table.forget_all()
        app.gate.set()
        await until(pilot, lambda: app.table.current == "new one")


async def test_a_row_that_vanished_is_shown_as_such_and_not_asked_for_again() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.gone = {1, 3}
        app.table.show(Numbers(5))
        await until(pilot, lambda: "row 2" in lines(app.table)[2])
        asked = len(app.asked)
        await pilot.press("j", "k")
        await pilot.pause()
        assert app.table.current is None
        assert text.NOTHING in lines(app.table)[1]
        assert len(app.asked) == asked
        app.gone = set()
        app.table.show(Numbers(5))
        await here(app, pilot)
        assert app.table.current == "row 1"


async def test_one_jumps_to_the_end_and_to_the_middle_of_five_million() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(5 * MILLION))
        await pilot.press("G")
        await here(app, pilot)
        assert app.table.current == "row 5000000"
        assert "row 5000000" in lines(app.table)[-1]
        app.table.jump(0.5)
        await here(app, pilot)
        assert app.table.cursor == 2_500_000
        assert app.table.current == "row 2500001"
        app.table.jump(4_999_990)
        await here(app, pilot)
        assert app.table.current == "row 4999991"
        await pilot.press("percent_sign")
        assert app.said[-1] == "jump"


async def test_dragging_the_scrollbar_reaches_the_last_row_and_the_first() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(5 * MILLION))
        await here(app, pilot)
        table = app.table
        table.vertical_scrollbar.grabbed_position = 0
        a_cell = table.virtual_size.height / table.size.height
        table.post_message(ScrollTo(y=9 * a_cell))
        await until(pilot, lambda: "row 5000000" in lines(table)[-1])
        table.vertical_scrollbar.grabbed_position = table.scroll_y
        table.post_message(ScrollTo(y=table.scroll_y - 9 * a_cell))
        await until(pilot, lambda: table.scroll_offset.y == 0)
        assert lines(table)[1].startswith("▌  row 1 ")


async def test_a_held_key_reads_a_page_at_a_time() -> None:
    app = app_of()
    async with app.run_test(size=(80, 25)) as pilot:
        app.table.show(Numbers(MILLION))
        await here(app, pilot)
        asked = len(app.asked)
        for _ in range(120):
            app.table.action_move(1)
            await asyncio.sleep(0)
        await here(app, pilot)
        assert app.table.current == "row 121"
        assert len(app.asked) - asked <= 40  # of 120 moves; a slow machine reads more often
        assert max(map(len, app.asked)) <= 50


async def test_a_drag_through_everything_reads_only_where_it_rests() -> None:
    app = app_of()
    async with app.run_test(size=(80, 25)) as pilot:
        app.table.show(Numbers(MILLION))
        await here(app, pilot)
        asked = len(app.asked)
        app.gate.clear()
        for place in range(1000, MILLION, 10_000):
            app.table.scroll_to(y=place, animate=False)
        await pilot.pause()
        app.gate.set()
        await until(pilot, lambda: "row 991" in lines(app.table)[1])
        assert len(app.asked) - asked <= 4


async def test_a_range_is_what_is_seen_between_its_ends() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Some([9, 1, 8, 2, 7, 3]))
        await here(app, pilot)
        await pilot.press("j", "shift+down", "shift+down")
        assert set(app.table.selected) == {1, 8, 2}
        await pilot.press("shift+up")
        assert set(app.table.selected) == {1, 8}
        await pilot.press("G", "shift+up")
        assert set(app.table.selected) == {1, 8, 3, 7}
        await pilot.pause()
        assert app.said[-1] == ("selected", 4)


async def test_a_selection_survives_another_order_and_another_filter() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(20))
        await here(app, pilot)
        await pilot.press("space", "space")
        assert (set(app.table.selected), app.table.cursor) == ({1, 2}, 2)
        assert ["✓" in line for line in lines(app.table)[1:4]] == [True, True, False]
        app.table.show(Some(range(20, 0, -1)))
        app.table.jump(19)
        await here(app, pilot)
        assert "✓" in lines(app.table)[-1]
        app.table.show(Some([5]))
        await here(app, pilot)
        assert set(app.table.selected) == {1, 2}
        app.table.select(BitMap([5, 7]))
        await pilot.pause()
        assert "✓" in lines(app.table)[1]
        assert app.said[-1] == ("selected", 2)
        app.table.clear_selection()
        assert not app.table.selected
        assert "✓" not in lines(app.table)[1]


async def test_the_mouse_moves_selects_opens_and_sorts() -> None:
    app = app_of()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(Numbers(20))
        await here(app, pilot)
        await pilot.click(WindowedTable, offset=(5, 3))
        assert app.table.cursor == 2
        await pilot.click(WindowedTable, offset=(5, 3), times=2)
        await until(pilot, lambda: ("opened", "row 3") in app.said)
        await pilot.click(WindowedTable, offset=(5, 5), shift=True)
        assert set(app.table.selected) == {3, 4, 5}
        await pilot.click(WindowedTable, offset=(5, 4), control=True)
        assert set(app.table.selected) == {3, 5}
        await pilot.click(WindowedTable, offset=(17, 0))
        await pilot.pause()
        assert app.said[-1] == ("sort", "length")
        app.table.set_sort("length", descending=True)
        assert "Length▼" in lines(app.table)[0]
        app.table.set_sort("name")
        assert "Name ▲" in lines(app.table)[0]


async def test_columns_wider_than_the_view_go_sideways_with_their_titles() -> None:
    app = app_of(extra=5)
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.show(Numbers(20))
        await here(app, pilot)
        assert lines(app.table)[0].endswith("▸")
        assert "4 of row 1" not in lines(app.table)[1]
        await pilot.press("right", "l")
        assert lines(app.table)[0].startswith("◂  Extra 0")
        assert lines(app.table)[1].startswith("▌  0 of row 1")
        for _ in range(9):
            await pilot.press("l")
        assert "4 of row 1" in lines(app.table)[1]
        assert not lines(app.table)[0].endswith("▸")
        there = app.table.scroll_offset.x
        app.table.post_message(MouseScrollUp(app.table, 5, 3, 0, 0, 0, shift=True, meta=False, ctrl=False))
        await until(pilot, lambda: app.table.scroll_offset.x < there)
        for _ in range(9):
            await pilot.press("h")
        assert "Name" in lines(app.table)[0]
        assert app.table.scroll_offset.x == 0


async def test_columns_can_be_replaced() -> None:
    app = app_of(extra=5)
    async with app.run_test(size=(60, 8)) as pilot:
        app.table.show(Numbers(20))
        await here(app, pilot)
        await pilot.press("l", "l", "l", "j")
        app.table.set_columns([Column("Only", 0, Content)])
        await pilot.pause()
        assert lines(app.table)[0].strip() == "Only"
        assert "row 2" in lines(app.table)[2]
        assert (app.table.scroll_offset.x, app.table.current) == (0, "row 2")


async def test_wide_characters_keep_the_columns_in_line() -> None:
    app = app_of(extra=5)
    async with app.run_test(size=(60, 8)) as pilot:
        app.names = {1: "日本語の人は誰ですか", 2: "👩 emoji", 3: "plain"}
        app.table.show(Numbers(3))
        await here(app, pilot)
        for _ in range(3):
            strips = [app.table.render_line(y) for y in range(4)]
            assert {sum(segment.cell_length for segment in strip) for strip in strips} == {width_of(app.table)}
            await pilot.press("l")
        app.table.scroll_to(x=3, animate=False, force=True)
        assert {app.table.render_line(y).cell_length for y in range(4)} == {width_of(app.table)}


async def test_stored_text_is_no_markup() -> None:
    app = app_of()
    async with app.run_test(size=(80, 6)) as pilot:
        app.names = {1: "[/foo]", 2: "[@click=app.quit]x", 3: "\x1b[2J"}
        app.table.show(Numbers(3))
        await here(app, pilot)
        assert "[/foo]" in lines(app.table)[1]
        assert "[@click=app" in lines(app.table)[2]
        assert "\x1b" not in lines(app.table)[3]


async def test_another_size_leaves_a_view_that_was_scrolled_away_where_it_is() -> None:
    app = app_of()
    async with app.run_test(size=(80, 30)) as pilot:
        app.table.show(Numbers(MILLION))
        await here(app, pilot)
        app.table.scroll_to(y=500_000, animate=False)
        await here(app, pilot)
        await pilot.resize_terminal(60, 20)
        await here(app, pilot)
        assert "row 500001" in lines(app.table)[1]


async def test_another_size_keeps_the_cursor_in_view() -> None:
    app = app_of()
    async with app.run_test(size=(80, 30)) as pilot:
        app.table.show(Numbers(MILLION))
        app.table.jump(0.5)
        await here(app, pilot)
        await pilot.resize_terminal(40, 8)
        await here(app, pilot)
        assert 0 <= cursor_line(app.table) < 7
        assert app.table.current == "row 500001"
        await pilot.resize_terminal(100, 40)
        await here(app, pilot)
        assert 0 <= cursor_line(app.table) < 39
        assert {app.table.render_line(y).cell_length for y in range(40)} == {width_of(app.table)}


DOINGS = ["move", "page", "extend", "scroll", "jump", "forget", "wait"]
Step = tuple[str, list[int] | int]
steps: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["show", "top"]), st.lists(st.integers(1, 40), unique=True)),
        st.tuples(
            st.sampled_from(["move", "page", "extend", "scroll", "jump", "forget", "wait"]), st.integers(-30, 30)
        ),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(steps)
def test_whatever_happens_the_cursor_is_on_a_row_of_the_listing(steps: list[Step]) -> None:
    async def play() -> None:
        app = app_of()
        async with app.run_test(size=(60, 8)) as pilot:
            table = app.table
            doing: dict[str, Callable[[int], object]] = {
                "move": table.action_move,
                "page": table.action_page,
                "extend": table.action_extend,
                "scroll": lambda rows: table.scroll_to(y=table.scroll_y + rows, animate=False),
                "jump": table.jump,
                "forget": lambda id: table.forget([id]),
            }
            shown: list[int] = []
            for step, what in steps:
                if isinstance(what, list):
                    shown = what
                    table.show(Some(what), top=step == "top")
                elif step == "wait":
                    await pilot.pause()
                else:
                    doing[step](what)
                assert 0 <= table.cursor < max(1, len(shown))
                assert table.current_id == (shown[table.cursor] if shown else None)
                assert table.current in (None, f"row {table.current_id}")
            if shown:
                await here(app, pilot)
                assert table.current == f"row {table.current_id}"

    asyncio.run(play())


def test_the_rows_asked_for_longest_ago_go_first() -> None:
    store: RowStore[str] = RowStore()
    for start in range(0, 3_000, 100):
        ids = range(start, start + 100)
        store.ask(ids)
        store.take({id: str(id) for id in ids}, set(ids))
        assert store.get(0) == "0"
    assert store.get(1) is None
    assert store.get(2_999) == "2999"
