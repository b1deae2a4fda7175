"""How many rows there are of each value, beside the rows: what a filter can narrow down to, and what it chose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.events import Click, Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from traintui import commands, text
from traintui.data.records import VocabularyValue
from traintui.widgets import marks
from traintui.widgets.line_view import LineView
from traintui.widgets.tick import TICKED

if TYPE_CHECKING:
    from traintui.data.fields import Field

Facets = Mapping[str, Mapping[str | None, int]]
Chosen = Mapping[str, Set[str | None]]

BAR = 5
"""Cells of a bar."""
TITLE = 1
"""Lines above the facets that stay."""
LAST = 1 << 30
"""The place of what the vocabulary does not know."""


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the panel: a value of a field, or the heading of the field."""

    field: str
    value: str | None = None
    is_heading: bool = False


class FacetPanel(LineView, can_focus=True, inherit_bindings=False):
    """The values of each key field with their counts and bars, drawn by lines: counts change with every key press.

    `show` says what there is; `Toggled` asks for one value more or less in the filter.
    """

    DEFAULT_CSS = """
    FacetPanel {
        width: 36; height: 1fr; background: $background; color: $foreground; overflow-x: hidden;
        border-right: vkey $rule; scrollbar-size-vertical: 1; scrollbar-gutter: stable;
        & > .facets--heading { color: $muted; background: $background; text-style: bold; }
        & > .facets--cursor { background: $cursor; }
        & > .facets--blurred { background: $background; }
    }
    """
    COMPONENT_CLASSES = {"facets--heading", "facets--cursor", "facets--blurred"}  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("facets")

    cursor: reactive[int] = reactive(0, repaint=False, init=False)

    @dataclass
    class Toggled(Message):
        """A value is to be added to the filter, or taken out of it."""

        field: str
        value: str | None

    class Left(Message):
        """Somebody goes back to the rows."""

    def __init__(
        self,
        fields: Iterable[Field] = (),
        labels: Mapping[tuple[str, str], VocabularyValue] | None = None,
        *,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self._fields = tuple(fields)
        self._labels = labels or {}
        self._facets: Facets = {}
        self._chosen: Chosen = {}
        self._complete = False
        self._by_count = False
        self._folded: set[str] = set()
        self._places: list[Place] = []
        self._most: dict[str, int] = {}
        self._figures = 0
        self._strips: dict[int, Strip] = {}

    # What there is

    @property
    def places(self) -> tuple[Place, ...]:
        """The lines, in order."""
        return tuple(self._places)

    @property
    def current(self) -> Place | None:
        """The line under the cursor."""
        return self._places[self.cursor] if self.cursor < len(self._places) else None

    def learn(self, fields: Iterable[Field], labels: Mapping[tuple[str, str], VocabularyValue]) -> None:
        """Other fields or labels: another column, another vocabulary."""
        self._fields, self._labels = tuple(fields), labels
        self._arrange()

    def show(self, facets: Facets | None, chosen: Chosen, complete: bool) -> None:
        """Shows counts, and which values the filter names.

        With None the counts are on their way: those before stay, dimmed, as do such that are not `complete`. The cursor
        stays on its value.
        """
        if facets is not None:
            self._facets = facets
            self._most = {name: max(counts.values(), default=0) for name, counts in facets.items()}
            self._figures = len(text.count(max(self._most.values(), default=0)))
        self._chosen, self._complete = chosen, complete and facets is not None
        self._arrange()

    def _arrange(self) -> None:
        before = self.current
        places: list[Place] = []
        for field in self._fields:
            places.append(Place(field.name, is_heading=True))
            if field.name not in self._folded:
                places += [Place(field.name, value) for value in self._values(field)]
        if places != self._places:
            self._places = places
            self.virtual_size = Size(self._width, len(places) + TITLE)
            self._follow(before)
        self._redraw()

    def _values(self, field: Field) -> list[str | None]:
        counts = self._facets.get(field.name, {})
        own = {value: place for place, value in enumerate(field.values)}
        for (dimension, value), entry in self._labels.items():
            if dimension == field.name and (entry.active or counts.get(value)):
                own.setdefault(value, entry.position)
        values = {*own, *counts, *self._chosen.get(field.name, ())}

        def order(value: str | None) -> tuple[int, int, str]:
            place = LAST if value is None else own.get(value, LAST - 1)
            count = -counts.get(value, 0)
            return (count, place, value or "") if self._by_count else (place, count, value or "")

        return sorted(values, key=order)

    def _follow(self, before: Place | None) -> None:
        """Puts the cursor on the line on which it was: the heading where a value was folded away."""
        place = min(self.cursor, max(0, len(self._places) - 1))
        if before is not None:
            for wanted in (before, Place(before.field, is_heading=True)):
                if wanted in self._places:
                    place = self._places.index(wanted)
                    break
        self.set_reactive(FacetPanel.cursor, place)
        self._keep_in_view()

    # Drawing

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def _redraw(self) -> None:
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line of the view: the title, a heading, a value, or nothing."""
        width = self._width
        if y < TITLE:
            return self._title(width)
        index = self.scroll_offset.y + y - TITLE
        if index >= len(self._places):
            return Strip.blank(width, self.rich_style)
        strip = self._strips.get(index)
        if strip is None:
            place = self._places[index]
            on_cursor = index == self.cursor and self.has_focus
            line = self._heading(place, width) if place.is_heading else self._value(place, width)
            line = Content.assemble(("▌", "$accent") if on_cursor else " ", line).truncate(width, pad=True)
            style = self.get_visual_style("facets--cursor") if on_cursor else self.visual_style
            strip = self._strips[index] = Strip(line.render_segments(style), width)
        return strip

    def _title(self, width: int) -> Strip:
        state = "" if self._complete else "counting…"
        order = "" if not self._by_count else "most first"
        line = Content(" Facets").truncate(width - len(state or order) - 1, pad=True)
        line = Content.assemble(line, (state or order, "$generating" if state else "$faint"), " ")
        return Strip(line.truncate(width, pad=True).render_segments(self.get_visual_style("facets--heading")), width)

    def _heading(self, place: Place, width: int) -> Content:
        field = next(field for field in self._fields if field.name == place.field)
        folded, named = place.field in self._folded, len(self._chosen.get(place.field, ()))
        label = text.shown(field.label, single_line=True, limit=width - 16, style="bold")
        said = f"{named} chosen" if folded and named else ""
        room = max(0, width - 5 - label.cell_length - len(said))
        return Content.assemble(("▸ " if folded else "▾ ", "$muted"), label, " " * room, (said, "$accent"))

    def _value(self, place: Place, width: int) -> Content:
        counts = self._facets.get(place.field)
        count = None if counts is None else counts.get(place.value, 0)
        is_chosen = place.value in self._chosen.get(place.field, ())
        figure = "" if count is None else text.count(count)
        full, empty = text.bar(count or 0, self._most.get(place.field, 0), BAR)
        if count and not full:
            full, empty = "╸", empty[1:]  # few is not none
        dim = not count or not self._complete
        room = max(4, width - 7 - BAR - self._figures)
        label = self._label(place, "$faint" if count == 0 and not is_chosen else "")
        return Content.assemble(
            (f" {TICKED} " if is_chosen else "   ", "bold $accent"),
            label.truncate(room, ellipsis=True, pad=True),
            " ",
            (full, "$muted" if dim else "$accent"), (empty if count is not None else " " * BAR, "$rule"),
            (figure.rjust(self._figures + 1), "$faint" if dim else "bold" if is_chosen else ""),
        )  # fmt: skip

    def _label(self, place: Place, style: str) -> Content:
        if place.value is None:
            return Content.styled("none", style or "italic $muted")
        if place.field == "status" and place.value in marks.STATUS:
            glyph, said = marks.STATUS[place.value]
            return Content.assemble((f"{glyph} ", style or f"${place.value}"), (said, style))
        known = self._labels.get((place.field, place.value))
        return text.shown(known.label if known else place.value, single_line=True, limit=60, style=style)

    def notify_style_update(self) -> None:
        """Other colours: everything is drawn anew."""
        self._strips.clear()
        super().notify_style_update()

    def on_resize(self, event: Resize) -> None:
        """Another width, other lines."""
        self.virtual_size = Size(self._width, len(self._places) + TITLE)
        self._keep_in_view()
        self._redraw()

    def on_focus(self) -> None:
        """The cursor is seen with focus."""
        self._redraw()

    def on_blur(self) -> None:
        """Without focus there is none."""
        self._redraw()

    # The cursor

    def validate_cursor(self, place: int) -> int:
        """Keeps the cursor on a line."""
        return max(0, min(place, len(self._places) - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Moves the mark, and the view where needed."""
        self._keep_in_view()
        for index in (old, new):
            self._strips.pop(index, None)
            line = index + TITLE - self.scroll_offset.y
            if TITLE <= line < self.size.height:
                self.refresh(Region(0, line, self._width, 1))

    def _keep_in_view(self) -> None:
        page, top = max(1, self.size.height - TITLE), self.scroll_offset.y
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + page:
            self.scroll_to(y=self.cursor - page + 1, animate=False, force=True)

    # Keys

    def action_move(self, lines: int) -> None:
        """Moves the cursor by lines."""
        self.cursor += lines

    def action_page(self, pages: int) -> None:
        """Moves the cursor by pages."""
        self.cursor += pages * max(1, self.size.height - TITLE - 1)

    def action_edge(self, end: int) -> None:
        """Moves the cursor to the first line (0) or the last (1)."""
        self.cursor = end * (len(self._places) - 1)

    def action_choose(self) -> None:
        """Asks for the value, or folds the heading."""
        place = self.current
        if place is None:
            return
        if place.is_heading:
            self._fold(place.field, place.field not in self._folded)
        else:
            self.post_message(self.Toggled(place.field, place.value))

    def action_fold(self, folded: bool) -> None:
        """Folds the values of a field away, or shows them."""
        if self.current is not None:
            self._fold(self.current.field, folded)

    def _fold(self, field: str, folded: bool) -> None:
        if folded:
            self._folded.add(field)
        else:
            self._folded.discard(field)
        self._arrange()

    def action_order(self) -> None:
        """Sorts the values by how many they are, or as the vocabulary has them."""
        self._by_count = not self._by_count
        self._arrange()

    def action_leave(self) -> None:
        """Goes back."""
        self.post_message(self.Left())

    def on_click(self, event: Click) -> None:
        """A click on a value asks for it; one on a heading folds it."""
        index = self.scroll_offset.y + event.y - TITLE
        if event.y >= TITLE and index < len(self._places):
            self.cursor = index
            self.action_choose()
