"""Where the conversations of a file of another shape are: a mapping that is written, and beside it what it makes."""

from __future__ import annotations

import asyncio
import tomllib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from traintui import text
from traintui.errors import TraintuiError
from traintui.screens.base import Working
from traintui.widgets.notice import failure

if TYPE_CHECKING:
    from traintui.importing.conversations import ImportedConversation, LineProblem
    from traintui.importing.mapping import Mapping

REST = 0.25
"""Seconds without a letter after which the preview is made anew."""
TURNS = 12
"""Turns that the preview shows."""


class MappingPane(Horizontal, Working):
    """A mapping as TOML, and the first conversation as it makes it."""

    field = getters.query_one(TextArea)
    preview = getters.query_one("#mapped", Static)

    class Edited(Message):
        """The mapping is another one."""

    def __init__(self) -> None:
        super().__init__(id="mapping")
        self._path: Path | None = None

    def compose(self) -> ComposeResult:
        """The text, and what it makes."""
        yield TextArea(id="toml", show_line_numbers=True, soft_wrap=True, compact=True, tab_behavior="focus")
        with VerticalScroll(id="first"):
            yield Static(id="mapped")

    @property
    def mapping(self) -> Mapping | None:
        """The mapping as it stands; None where nothing is written. Raises `TraintuiError` with the first mistake."""
        return mapping_in(self.field.text)

    def begin(self, path: Path) -> None:
        """Is about a file; where nothing is written yet, what its first record looks like is."""
        self._path = path
        if self.field.text.strip():
            self._look()
        else:
            self.read(partial(self._guess, path), name="guess")

    async def _guess(self, path: Path) -> None:
        from traintui.importing.guessing import guessed

        made = await asyncio.to_thread(guessed, path)
        if self._path == path and not self.field.text.strip():
            self.field.load_text(text.visible(made))

    @on(TextArea.Changed)
    def _changed(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Edited())
        self._look()

    def _look(self) -> None:
        if self._path is not None:
            self.read(partial(self._preview, self._path, self.field.text), name="preview")

    async def _preview(self, path: Path, toml: str) -> None:
        await asyncio.sleep(REST)
        self.preview.update(await asyncio.to_thread(first_by, path, toml))

    def work_failed(self, name: str, error: BaseException) -> None:
        """Says in the preview why there is none."""
        self.preview.update(failure(self.app.answer(error)))


def mapping_in(toml: str) -> Mapping | None:
    """The mapping in a text; None in an empty one. Raises `TraintuiError` with the first mistake."""
    from pydantic import ValidationError

    from traintui.importing.mapping import mapping_of

    if not toml.strip():
        return None
    try:
        given: dict[str, Any] = tomllib.loads(toml)
        return mapping_of(given)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TraintuiError("Not TOML yet", f"{error}.", "The guide shows a mapping with all it may say.") from error
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in wrong["loc"])
        said = wrong["msg"].removeprefix("Value error, ")
        raise TraintuiError(
            "Not a mapping yet", f"{f'{place}: ' if place else ''}{said}.", "The guide shows one with all it may say."
        ) from error


def first_by(path: Path, toml: str) -> Content:
    """The first conversation of a file as a mapping makes it, or why there is none."""
    from traintui.importing.checking import first, recognise

    try:
        known = recognise(path, None, mapping_in(toml))
        return drawn(first(known), known.source.place)
    except TraintuiError as error:
        return failure(error)


def drawn(made: ImportedConversation | LineProblem, place: str) -> Content:
    """A conversation in some lines."""
    from traintui.importing.conversations import LineProblem

    if isinstance(made, LineProblem):
        return Content.assemble(("! ", "$warning"), (f"{place} {made.line}: ", "bold"), text.shown(made.why, limit=300))
    lines = [Content.styled(f"{place} {made.line}, {len(made.turns)} turns", "$muted")]
    if made.system_prompt:
        lines.append(_said("system", "$muted", made.system_prompt))
    for turn in made.turns[:TURNS]:
        lines.append(_said(turn.role, "$accent" if turn.role == "user" else "$success", turn.content))
    if len(made.turns) > TURNS:
        lines.append(Content.styled(f"and {len(made.turns) - TURNS} more", "$faint"))
    for name, value in [*made.dimensions.items(), *made.metadata.items()][:8]:
        key = text.visible(str(name), single_line=True, limit=20)
        lines.append(Content.assemble((f"{key}  ", "$faint"), text.shown(str(value), single_line=True, limit=60)))
    return Content("\n").join(lines)


def _said(role: str, style: str, content: str) -> Content:
    return Content.assemble((f"{role:<11}", style), text.shown(content, single_line=True, limit=160))
