"""Templates: their versions, an editor that says what is wrong, a preview with real data, and a test with one call."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import DescendantFocus
from textual.widgets import ContentSwitcher, Static, TextArea

from traintui import clock, commands, text
from traintui.data.records import TemplateRecord
from traintui.errors import TraintuiError
from traintui.loading import loaded
from traintui.screens.template_editor import TemplateEditor
from traintui.screens.template_example import context_of
from traintui.screens.template_name import TemplateName
from traintui.screens.template_trial import TrialPane
from traintui.screens.template_trying import MODEL, VIEWS, TemplateTrying
from traintui.screens.template_versions import TemplateVersions
from traintui.widgets.detail_view import DetailView
from traintui.widgets.keybar import KeyBar
from traintui.widgets.notice import failure
from traintui.widgets.row_table import RowTable
from traintui.widgets.tab_line import TabLine
from traintui.widgets.template_columns import TEMPLATE_COLUMNS, TemplateRow

LOOK = 5.0
"""Seconds at the least between two counts of what was made with each."""
AGAIN = 20.0
"""Times as long as a count took is waited before the next one."""


class TemplatesDialog(TemplateTrying):
    """The templates on the left, beside them the text of one, its preview, its versions, or a test with one call."""

    PLACES = ("templates", "table")
    BINDINGS: ClassVar[list[BindingType]] = commands.bindings("templates")
    CSS_PATH = "templates.tcss"
    AUTO_FOCUS = "#templates"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012

    def __init__(self) -> None:
        super().__init__()
        self._wanted: str | None = None
        """The name of a template that was made, until the list has it."""
        self._left = False
        """Whether it was said what would be lost."""
        self._counts_rest_until = 0.0

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
        self.set_interval(LOOK, self._count_again)

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

    def called(self) -> None:
        """What was made with it is counted again."""
        self._count_uses()

    async def _read_templates(self) -> None:
        await self.shelf.read(self.db)
        self._show()

    def _count_uses(self) -> None:
        self.read(self._read_uses, name="uses")

    def _count_again(self) -> None:
        """Cost and calls follow while somebody looks."""
        looks = self.app.screen is self and self.app.outage is None and self.shelf.usage is not None
        if looks and clock.ticks() >= self._counts_rest_until and not self.reading_now("uses"):
            self._count_uses()

    async def _read_uses(self) -> None:
        began, before = clock.ticks(), self.shelf.usage
        await self.shelf.count(self.db)
        self._counts_rest_until = clock.ticks() + AGAIN * (clock.ticks() - began)
        if self.shelf.usage != before:
            self.table.show(self.shelf.rows(self.editor.drafts))
            self._show_versions()

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

    def action_base(self) -> None:
        """Compares from the version under the cursor on, or again from the one before."""
        self.history.mark()

    # Keys

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

    def work_failed(self, name: str, error: BaseException) -> None:
        """A call that failed is answered in its view, all else below."""
        answer: TraintuiError = self.app.answer(error)
        if name == "call":
            self.trial.fail(answer)
        self._say(failure(answer, gap=" ", mild=answer is error))
