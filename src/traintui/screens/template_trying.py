"""One template in its views: its text checked as it is written, with an example, previewed, and tried with one call."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from textual import getters, on
from textual.content import Content
from textual.widgets import ContentSwitcher, Static, TextArea

from traintui.data.records import TemplateRecord
from traintui.loading import loaded
from traintui.screens.base import BaseDialog
from traintui.screens.template_editor import TemplateEditor
from traintui.screens.template_example import Example, context_of, drawn, names_of, preview_of
from traintui.screens.template_shelf import TemplateShelf
from traintui.screens.template_trial import TrialPane
from traintui.screens.template_versions import TemplateVersions
from traintui.widgets.detail_view import DetailView
from traintui.widgets.notice import failure
from traintui.widgets.row_table import RowTable
from traintui.widgets.tab_line import TabLine
from traintui.widgets.template_columns import TemplateRow

if TYPE_CHECKING:
    from traintui.generation.prompt import TemplateText

VIEWS = {"edit": "Text", "preview": "Preview", "versions": "Versions", "trial": "Test call"}
SETTLED = 0.2
"""Seconds after the last key before a text is checked."""
MODEL = "claude-sonnet-5-5"
"""Whom a test asks where no batch has been made yet."""


class TemplateTrying(BaseDialog[None]):
    """The template under the cursor, in the view that is chosen."""

    table: getters.query_one[RowTable[TemplateRow]] = getters.query_one("#templates", RowTable)
    tabs = getters.query_one(TabLine)
    switcher = getters.query_one(ContentSwitcher)
    editor = getters.query_one(TemplateEditor)
    preview = getters.query_one("#preview", DetailView)
    history = getters.query_one(TemplateVersions)
    trial = getters.query_one(TrialPane)
    said = getters.query_one("#said", Static)

    def __init__(self) -> None:
        super().__init__()
        self.shelf = TemplateShelf()
        self._shown = ""
        self._example: Example | None = None
        self._model = MODEL
        self._dice = random.Random()  # noqa: S311 - an example, nothing secret
        self._refused = False

    @property
    def newest(self) -> TemplateRecord | None:
        """The newest version of the template that is shown."""
        return next(iter(self.shelf.of(self._shown)), None)

    # The text

    def _draft(self) -> TemplateText | None:
        """The text as it stands in the editor, under the version that it has or would have."""
        from traintui.generation.prompt import TemplateText

        newest = self.newest
        if newest is None:
            return None
        version = newest.version + self.editor.is_draft(newest.name)
        return TemplateText(newest.name, version, self.editor.system_text, self.editor.user_text, newest.kind)

    async def _check(self) -> None:
        """What is wrong with the text, its names with their values in the example, and the preview."""
        await asyncio.sleep(SETTLED)
        prompts = await loaded("traintui.generation.prompt")
        draft, example = self._draft(), self._example
        if draft is None or example is None:
            return
        context = context_of(example, draft.kind)
        found = await asyncio.to_thread(prompts.mistakes_of, draft, context)
        self.editor.show_mistakes(found)
        self.editor.names.show(names_of(context), key="names")
        if found:
            self.preview.show([failure(each) for each in found], key="mistakes")
            self.trial.prepare(None, None)
            return
        if self._refused:
            self._refused = False
            self._say("")  # what kept it from being saved is mended
        prompt = await asyncio.to_thread(prompts.render, draft, context)
        self.preview.show(preview_of(prompt, example), key=(draft.name, example))
        began = self.newest.id if self.newest is not None else None
        await self.trial.offer(draft, context, prompt, model=self._model, template_id=began)

    # The example

    def action_source(self, steps: int) -> None:
        """Takes the next passage, or the one before."""
        self.read(partial(self._take_source, steps), name="source")

    async def _take_source(self, steps: int) -> None:
        from traintui.data import documents

        now = self._example.chunk if self._example is not None else None
        chunk = await documents.chunk_beside(self.db, now.id if now else 0, backwards=steps < 0)
        fresh = drawn(self.app.labels, chunk, self._dice)
        self._example = fresh if self._example is None else replace(self._example, chunk=chunk)
        self.read(self._check, name="check")

    def action_other(self) -> None:
        """Takes other values, the passage stays."""
        if self._example is not None:
            self._example = drawn(self.app.labels, self._example.chunk, self._dice)
            self.read(self._check, name="check")

    def _words_changed(self) -> None:
        """Values that were not there yet are taken now."""
        if self._example is not None and not self._example.whole:
            self.action_other()

    # One call

    def action_call(self) -> None:
        """Says what one call may cost, and makes it when asked again."""
        if self.switcher.current != "trial":
            self._choose("trial")
        elif self.trial.trial is not None and not self.reading_now("call"):
            self.trial.wait()
            self.read(self._call, name="call")

    async def _call(self) -> None:
        if (asked := self.trial.trial) is not None:
            self.trial.show(await self.app.crew.try_template(asked))
            self.called()

    def called(self) -> None:
        """A call was made with one of the templates."""

    # Views

    def action_view(self, steps: int) -> None:
        """Goes to another view."""
        names = list(VIEWS)
        self._choose(names[(names.index(self.tabs.chosen) + steps) % len(names)])

    @on(TabLine.Chosen)
    def _tab_chosen(self, event: TabLine.Chosen) -> None:
        self._choose(event.name)

    def _choose(self, name: str) -> None:
        self.tabs.chosen = self.switcher.current = name
        if name == "versions":
            self._show_versions()
            self.set_focus(self.history.table)
        elif name == "preview":
            self.set_focus(self.preview)
        elif name == "trial":
            self.set_focus(self.trial.transcript)
        elif not isinstance(self.focused, TextArea):
            self.set_focus(self.table)
        self.refresh_bindings()

    def _show_versions(self) -> None:
        self.history.show(self.shelf.with_draft(self._shown, self.editor.drafts.get(self._shown)), self.shelf.used)

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.said.update(Content.assemble(*parts))
