"""Templates: their versions, an editor that says what is wrong, a preview with real data, and a test with one call."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import getters, on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.widgets import ContentSwitcher, Static, TextArea

from traintui import commands, text
from traintui.data.records import TemplateRecord
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.base import BaseDialog
from traintui.screens.template_editor import TemplateEditor
from traintui.screens.template_example import Example, context_of, drawn, names_of, preview_of
from traintui.screens.template_name import TemplateName
from traintui.screens.template_shelf import TemplateShelf
from traintui.screens.template_trial import TrialPane
from traintui.screens.template_versions import TemplateVersions
from traintui.widgets.detail_view import DetailView
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import RowTable
from traintui.widgets.tab_line import TabLine
from traintui.widgets.template_columns import TEMPLATE_COLUMNS, TemplateRow

if TYPE_CHECKING:
    from traintui.generation.prompt import TemplateText

VIEWS = {"edit": "Text", "preview": "Preview", "versions": "Versions", "trial": "Test call"}
SETTLED = 0.2
"""Seconds after the last key before a text is checked."""
MODEL = "claude-sonnet-5-5"
"""Whom a test asks where no batch has been made yet."""


class TemplatesDialog(BaseDialog[None]):
    """The templates on the left, beside them the text of one, its preview, its versions, or a test with one call."""

    PLACES = ("templates", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("templates")
    CSS_PATH = "templates.tcss"
    AUTO_FOCUS = "#templates"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012

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
        self._wanted: str | None = None
        self._example: Example | None = None
        self._model = MODEL
        self._dice = random.Random()  # noqa: S311 - an example, nothing secret
        self._left = False
        self._refused = False

    def compose(self) -> ComposeResult:
        """The list, the views of one template, and below them what was done."""
        with Vertical(classes="dialog") as panel:
            panel.border_title = "Templates"
            panel.border_subtitle = "a version never changes"
            with Horizontal(id="parts"):
                yield RowTable(TEMPLATE_COLUMNS, key=lambda row: row.name, opens="Edit", id="templates")
                with Vertical(id="views"):
                    yield TabLine(VIEWS)
                    with ContentSwitcher(initial="edit"):
                        yield TemplateEditor(id="edit")
                        yield DetailView(id="preview")
                        yield TemplateVersions(id="versions")
                        yield TrialPane(id="trial")
            yield Static(id="said")
        yield KeyBar()

    def on_mount(self) -> None:
        """Reads the templates, and the first passage to try them with."""
        self.editor.read_only = not self._may_change
        self.watch(self.app, "labels", self._words_changed, init=False)
        self.write(self._begin, name="begin")

    async def _begin(self) -> None:
        from traintui.data import batches

        if self._may_change:
            start = await loaded("traintui.generation.start")
            await start.keep_builtin(self.db)
        await self._read_templates()
        self._count_uses()
        newest = await batches.newest_id(self.db, "generate")
        self._model = (await batches.setup(self.db, newest)).model if newest is not None else MODEL
        await self._take_source(0)

    # Templates

    @property
    def _may_change(self) -> bool:
        return self.allowed("templates", "edit")

    @property
    def newest(self) -> TemplateRecord | None:
        """The newest version of the template that is shown."""
        return next(iter(self.shelf.of(self._shown)), None)

    async def _read_templates(self) -> None:
        await self.shelf.read(self.db)
        self._show()

    def _count_uses(self) -> None:
        self.read(self._read_uses, name="uses")

    async def _read_uses(self) -> None:
        await self.shelf.count(self.db)
        self._show()

    def _show(self) -> None:
        self.table.show(self.shelf.rows(self.editor.drafts))
        if self._wanted in self.shelf.versions:
            self.table.cursor, self._wanted = list(self.shelf.versions).index(self._wanted), None
        if not self.table.rows:
            self._say(("○ ", "$accent"), "No template is stored yet; the built-in one is with the first batch.")
        self._open_current()
        self._show_versions()
        self.refresh_bindings()

    def _open_current(self) -> None:
        """The template under the cursor in the views. Text that is not saved waits where it was written."""
        row = self.table.current
        if row is None:
            return
        if self._shown != row.name:
            self._shown = row.name
            self.trial.forget()
        self.editor.open(row.newest)

    @on(RowTable.Moved, "#templates")
    def _moved(self, event: RowTable.Moved[TemplateRow]) -> None:
        event.stop()
        if event.row is not None and event.row.name != self._shown:
            self._open_current()
            self._show_versions()
            self.refresh_bindings()

    @on(RowTable.Opened)
    def _opened(self, event: RowTable.Opened[Any]) -> None:
        event.stop()
        if event.control is self.table:
            self.action_edit()

    # The text

    @on(TemplateEditor.Edited)
    def _edited(self) -> None:
        self._left = False
        self.read(self._check, name="check")
        row = self.table.current
        if row is not None and row.edited != self.editor.is_draft(row.name):
            self._show()

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

    def action_edit(self) -> None:
        """Goes into the text."""
        self._choose("edit")
        self.set_focus(self.editor.first_field)  # at once: the next key belongs to the field

    def action_save(self) -> None:
        """Saves the text as a new version, unless something is wrong with it."""
        if self.newest is not None:
            self.write(self._save, name="save")

    async def _save(self) -> None:
        from traintui.data import templates

        prompts = await loaded("traintui.generation.prompt")
        draft, example = self._draft(), self._example
        if draft is None or example is None:
            return
        found = await asyncio.to_thread(prompts.mistakes_of, draft, context_of(example, draft.kind))
        if found:
            self._refused = True
            self._choose("edit")
            self.editor.show_mistakes(found)
            self.editor.go_to(found[0])
            self._say(("! ", "$error"), "Not saved: ", text.shown(found[0].wrong, limit=200))
            return
        if not self.editor.is_draft(draft.name):
            self._say(("○ ", "$accent"), "Nothing to save: it reads like the newest version.")
            return
        stored = await templates.store(
            self.db, draft.name, system=draft.system, user_prompt=draft.user, kind=draft.kind
        )
        self.editor.forget(draft.name)
        self._say(("● ", "$success"), f"Saved as version {stored.version}: new batches take it.")
        await self._read_templates()

    def action_new(self) -> None:
        """Asks for a name for a template that begins like this one: like what is being written of it, else like the
        version that new batches take."""
        from traintui.generation.prompt import TemplateText

        text = self._draft()
        if text is not None and not self.editor.is_draft(text.name) and (active := self.shelf.active(text.name)):
            text = TemplateText(active.name, active.version, active.system, active.user_prompt, active.kind)
        self.app.push_screen(TemplateName(frozenset(self.shelf.versions), text), self._created)

    def _created(self, name: str | None) -> None:
        if name is not None:
            self._wanted = name
            self._say(("● ", "$success"), "Created: ", text.shown(name, single_line=True), ". A plan names it.")
            self.read(self._read_templates, name="templates")

    # Use

    def action_activate(self) -> None:
        """Puts the version under the cursor, or the whole template, into use for new batches, or out of it."""
        version = self.history.current
        if self.history.table.has_focus and version is not None:
            if version.id:
                self.write(partial(self._activate, [version], not version.active), name="active")
            return
        versions = self.shelf.of(self._shown)
        active = [each for each in versions if each.active]
        self.write(partial(self._activate, active or versions[:1], not active), name="active")

    async def _activate(self, records: list[TemplateRecord], active: bool) -> None:
        from traintui.data import templates

        await templates.set_active(self.db, [record.id for record in records], active)
        await self._read_templates()
        left = self.shelf.active(records[0].name)
        name = text.shown(records[0].name, single_line=True, limit=80)
        if left is None:
            self._say(name, " is inactive: no new batch takes it; those that run keep their version.")
        else:
            self._say(name, f": new batches take version {left.version}; those that run keep theirs.")

    # Versions

    def _show_versions(self) -> None:
        self.history.show(self.shelf.with_draft(self._shown, self.editor.drafts.get(self._shown)), self.shelf.used)

    def action_base(self) -> None:
        """Compares from the version under the cursor on, or again from the one before."""
        self.history.mark()

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
            self._count_uses()

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

    @on(DescendantFocus)
    def _focus_moved(self) -> None:
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In a field only saving and leaving are ours; what changes something needs a role and a template."""
        if not self.is_mounted or not commands.has("templates", action):
            return True
        if isinstance(self.focused, TextArea) and action not in {"save", "back"}:
            return False
        if action == "base":
            return self.switcher.current == "versions"
        if not self.allowed("templates", action) or (self._shown == "" and action not in {"back", "view"}):
            return None
        is_other = self.newest is not None and self.newest.kind != "conversation"
        return None if is_other and action in {"new", "call"} else True

    def action_back(self) -> None:
        """Leaves the field, ends a call, closes; what is not saved is named first."""
        if isinstance(self.focused, TextArea):
            self.set_focus(self.table)
        elif self.reading_now("call"):
            self.workers.cancel_group(self, "read:call")
            self.trial.give_up()
        elif self.editor.drafts and not self._left:
            self._left = True
            names = ", ".join(sorted(self.editor.drafts))
            self._say(("! ", "$warning"), "Not saved: ", text.shown(names, single_line=True, limit=80),
                      ". ctrl+s saves it, escape again drops it.")  # fmt: skip
        else:
            self.dismiss(None)

    # Answers

    def action_refresh_templates(self) -> None:
        """Reads the templates and counts again."""
        self.read(self._read_templates, name="templates")
        self._count_uses()

    def _say(self, *parts: Content | str | tuple[str, str]) -> None:
        self.said.update(Content.assemble(*parts))

    def work_failed(self, name: str, error: BaseException) -> None:
        """A call that failed is answered in its view, all else below."""
        answer: TraintuiError = self.app.answer(error)
        if name == "call":
            self.trial.fail(answer)
        self._say(failure(answer, gap=" ", mild=answer is error))
