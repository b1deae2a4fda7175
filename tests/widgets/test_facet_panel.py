"""The panel shows counts as they change, keeps the cursor on its value, and asks for what is chosen."""

from __future__ import annotations

from textual import on
from textual.app import App, ComposeResult

from traintui.data.fields import FIELDS
from traintui.data.records import VocabularyValue
from traintui.widgets import themes
from traintui.widgets.facet_panel import FacetPanel, Facets, Place

LABELS = {
    (entry.dimension, entry.value): entry
    for entry in (
        VocabularyValue("persona", "busy_parent", "Busy [/b] parent", position=1),
        VocabularyValue("persona", "anxious_planner", "Anxious planner", position=2),
        VocabularyValue("persona", "retired", "Retired", active=False, position=3),
    )
}
COUNTS: Facets = {
    "status": {"generated": 1_204, "approved": 12},
    "persona": {"anxious_planner": 3_000, "from_old_times": 5, None: 7},
}


class PanelApp(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.register_theme(themes.DARK)
        self.theme = themes.DARK.name
        self.toggled: list[tuple[str, str | None]] = []
        self.left = 0

    def compose(self) -> ComposeResult:
        yield FacetPanel([FIELDS["status"], FIELDS["persona"]], LABELS)

    def on_mount(self) -> None:
        self.panel.focus()

    @property
    def panel(self) -> FacetPanel:
        return self.query_one(FacetPanel)

    @property
    def lines(self) -> list[str]:
        return [self.panel.render_line(y).text.rstrip() for y in range(self.panel.size.height)]

    def line(self, label: str) -> str:
        return next(line for line in self.lines if label in line)

    @on(FacetPanel.Toggled)
    def heard(self, event: FacetPanel.Toggled) -> None:
        self.toggled.append((event.field, event.value))

    @on(FacetPanel.Left)
    def gone(self) -> None:
        self.left += 1


def colour(app: PanelApp, label: str, part: str) -> str:
    y = next(y for y, line in enumerate(app.lines) if label in line)
    style = next(segment.style for segment in app.panel.render_line(y) if part in segment.text)
    assert style is not None and style.color is not None
    return style.color.name


async def test_values_stand_in_the_order_of_the_vocabulary_with_label_count_and_bar() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(COUNTS, {"status": {"approved"}}, True)
        await pilot.pause()
        assert [place.value for place in app.panel.places if place.field == "persona" and not place.is_heading] == [
            "busy_parent", "anxious_planner", "from_old_times", None,
        ]  # fmt: skip
        assert app.line("Anxious").endswith("━━━━━ 3,000") and app.line("none").endswith("7")
        assert app.line("to review").endswith("1,204") and "✓" not in app.line("to review")
        assert "✓ ● approved" in app.line("approved")
        assert app.line("Busy [/b] parent").endswith(" 0")
        assert colour(app, "Busy", "Busy") == "#55606b" != colour(app, "Anxious", "Anxious")


async def test_before_the_counts_are_there_it_says_so_and_old_ones_stay_dimmed() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(None, {}, False)
        await pilot.pause()
        assert "counting…" in app.lines[0] and app.line("Anxious").strip() == "Anxious planner"
        app.panel.show(COUNTS, {}, True)
        await pilot.pause()
        assert "counting…" not in app.lines[0]
        fresh = colour(app, "Anxious", "3,000")
        app.panel.show(None, {"persona": {"anxious_planner"}}, False)
        await pilot.pause()
        assert "counting…" in app.lines[0] and "✓ Anxious" in app.line("Anxious")
        assert app.line("Anxious").endswith("3,000") and colour(app, "Anxious", "3,000") != fresh


async def test_the_cursor_stays_on_its_value_when_counts_change() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(COUNTS, {}, True)
        await pilot.press("o", "G", "k")
        assert app.panel.current == Place("persona", "from_old_times")
        app.panel.show({**COUNTS, "persona": {"from_old_times": 9_000, "anxious_planner": 1, "new": 2}}, {}, True)
        assert app.panel.current == Place("persona", "from_old_times")
        await pilot.press("k")
        assert app.panel.current == Place("persona", is_heading=True)


async def test_space_enter_and_a_click_ask_for_a_value() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(COUNTS, {}, True)
        await pilot.press("j", "j", "j", "space", "G", "enter")
        await pilot.click(app.panel, offset=(8, 5))
        assert app.toggled == [("status", "generated"), ("persona", None), ("status", "approved")]
        await pilot.press("tab", "escape")
        assert app.left == 2


async def test_a_heading_folds_its_values_away_and_says_how_many_are_chosen() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(COUNTS, {"status": {"approved", "failed"}}, True)
        await pilot.press("j", "j", "left")
        await pilot.pause()
        assert app.panel.current == Place("status", is_heading=True)
        assert "▸ Status" in app.line("Status") and "2 chosen" in app.line("Status")
        assert not any("approved" in line for line in app.lines)
        await pilot.press("right", "enter", "enter")
        await pilot.pause()
        assert app.line("approved") and app.toggled == []


async def test_a_chosen_value_that_nothing_has_is_shown_all_the_same() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 24)) as pilot:
        app.panel.show(COUNTS, {"persona": {"unheard_of"}}, True)
        await pilot.pause()
        assert "✓ unheard_of" in app.line("unheard_of")


async def test_a_panel_that_is_too_small_follows_its_cursor() -> None:
    app = PanelApp()
    async with app.run_test(size=(40, 6)) as pilot:
        app.panel.show(COUNTS, {}, True)
        await pilot.press("G")
        await pilot.pause()
        assert "Facets" in app.lines[0] and "none" in app.lines[-1]
        app.panel.show(None, {}, False)
        app.panel.learn([], {})
        await pilot.press("j", "space", "left")
        assert app.panel.current is None
