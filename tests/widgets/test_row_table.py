"""The cursor stays on its row, whatever becomes of the rows around it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import App, ComposeResult
from textual.content import Content

from traintui.widgets import themes
from traintui.widgets.row_table import Column, RowTable


class TableApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self.moved: list[str | None] = []
        self.opened: list[str] = []

    def compose(self) -> ComposeResult:
        yield RowTable[str](
            [Column("Name", 8, Content), Column("Wide", 10, Content, from_width=60), Column("Rest", 0, Content)],
            key=lambda row: row,
        )

    @property
    def table(self) -> RowTable[str]:
        return self.query_one(RowTable)

    def on_row_table_moved(self, event: RowTable.Moved[str]) -> None:
        self.moved.append(event.row)

    def on_row_table_opened(self, event: RowTable.Opened[str]) -> None:
        self.opened.append(event.row)


def names(numbers: Sequence[int]) -> list[str]:
    return [f"row {number}" for number in numbers]


def shown(table: RowTable[str]) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


async def test_the_cursor_follows_its_row_when_rows_come_before_it() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(names(range(100)))
        await pilot.press("j", "j", "j")
        assert app.table.current == "row 3"
        app.table.show(names([200, 201, *range(100)]))
        await pilot.pause()
        assert app.table.current == "row 3"
        assert app.table.cursor == 5


async def test_the_cursor_keeps_its_place_when_its_row_goes() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(names(range(5)))
        await pilot.press("G")
        app.table.show(names(range(3)))
        await pilot.pause()
        assert app.table.current == "row 2"
        app.table.show([])
        await pilot.pause()
        assert app.table.current is None
        assert app.moved[-1] is None


async def test_keys_move_and_the_view_follows() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(names(range(100)))
        await pilot.press("G")
        await pilot.pause()
        assert app.table.current == "row 99"
        assert any("row 99" in line for line in shown(app.table))
        await pilot.press("g", "pagedown")
        assert app.table.current == "row 8"
        await pilot.press("enter")
        await pilot.pause()
        assert app.opened == ["row 8"]


async def test_a_narrow_table_leaves_columns_out() -> None:
    app = TableApp()
    async with app.run_test(size=(50, 6)) as pilot:
        app.table.show(names(range(2)))
        await pilot.pause()
        assert "Wide" not in shown(app.table)[0]
        await pilot.resize_terminal(90, 6)
        await pilot.pause()
        assert "Wide" in shown(app.table)[0]


async def test_stored_text_in_a_cell_is_no_markup() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 6)) as pilot:
        app.table.show(["[/foo]"])
        await pilot.pause()
        assert "[/foo]" in shown(app.table)[1]


async def test_a_cursor_that_nobody_moved_stays_on_top() -> None:
    app = TableApp()
    async with app.run_test(size=(80, 10)) as pilot:
        app.table.show(names(range(5)))
        app.table.show(names([200, *range(5)]))
        await pilot.pause()
        assert (app.table.cursor, app.table.current) == (0, "row 200")
        app.table.stay()
        app.table.show(names([201, 200, *range(5)]))
        assert (app.table.cursor, app.table.current) == (1, "row 200")
