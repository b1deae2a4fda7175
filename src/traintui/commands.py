"""Every command of the app, once: its keys, footer entry, palette entry and help row all come from here."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from textual.actions import parse
from textual.binding import Binding, BindingType
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

ALLOWED: dict[str, frozenset[str]] = {
    "reviewer": frozenset({"reviewer", "author", "admin"}),
    "author": frozenset({"author", "admin"}),
    "auditor": frozenset({"auditor", "admin"}),
    "admin": frozenset({"admin"}),
}
"""Which roles may do what needs a role: an author may review, an administrator may do all."""


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do.

    `id` is WHERE.NAME and what a keymap calls it; `keys` a comma-separated list, empty for the palette only; `action`
    what Textual runs on the screen or widget; `show` puts it into the footer, in the order of this file; `role` is who
    may do it (everybody when empty).
    """

    id: str
    keys: str
    label: str
    tooltip: str
    action: str
    show: bool = False
    priority: bool = False
    palette: bool = True
    role: str = ""
    key_display: str | None = None

    @property
    def where(self) -> str:
        """The screen, widget or dialog that it belongs to."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """What the palette calls it: `review: approve`."""
        return f"{self.where}: {self.label[:1].lower()}{self.label[1:]}"

    @property
    def binding(self) -> Binding:
        """Its key binding."""
        return Binding(
            self.keys,
            self.action,
            self.label,
            show=self.show,
            key_display=self.key_display,
            priority=self.priority,
            tooltip=self.tooltip,
            id=self.id,
        )


COMMANDS: tuple[Command, ...] = (
    # Everywhere
    Command("app.conversations", "1", "Conversations", "All conversations, with a filter", "go('conversations')"),
    Command("app.review", "2", "Review", "Read and decide what waits", "go('review')"),
    Command("app.generate", "3", "Generate", "Plan and run a batch", "go('generate')"),
    Command("app.audit", "4", "Audit", "Who did what, and what left the house", "go('audit')"),
    Command("app.performance", "5", "Performance", "The health of the database", "go('performance')"),
    Command("app.export", "ctrl+e", "Export", "Write a training file", "export", show=True, role="author"),
    Command("app.vocabulary", "V", "Vocabulary", "The values of each dimension", "vocabulary"),
    Command("app.coverage", "C", "Coverage", "Which combinations need more", "coverage"),
    Command("app.templates", "T", "Templates", "The prompts that batches are written with", "templates"),
    Command("app.prices", "dollar_sign", "Prices", "What models cost, and the budget of the month", "prices",
            key_display="$"),
    Command("app.help", "question_mark", "Help", "What the keys do here", "help", show=True, palette=False),
    Command("app.palette", "ctrl+p", "Commands", "Every command", "command_palette", priority=True, palette=False),
    Command("app.metadata_keys", "", "Metadata keys", "Which metadata keys have a type", "metadata_keys"),
    Command("app.theme", "", "Light or dark theme", "Change between the two themes", "toggle_theme"),
    Command("app.quit", "q", "Quit", "Close the workspace and leave", "quit"),
    # Tables
    Command("table.down", "j,down", "Down", "One row down", "move(1)", palette=False),
    Command("table.up", "k,up", "Up", "One row up", "move(-1)", palette=False),
    Command("table.page_down", "pagedown", "Page down", "A page of rows down", "page(1)", palette=False),
    Command("table.page_up", "pageup", "Page up", "A page of rows up", "page(-1)", palette=False),
    Command("table.top", "g,home", "First row", "To the first row", "edge(0)", palette=False),
    Command("table.bottom", "G,end", "Last row", "To the last row", "edge(1)", palette=False),
    Command("table.open", "enter", "Open", "Open the row", "open", palette=False, show=True),
    # Tables of any length
    Command("listing.select", "space", "Select", "Select it, and go on", "select", True, key_display="space",
            palette=False),
    Command("listing.extend_down", "shift+down,J", "Extend", "Select up to the row below", "extend(1)", palette=False),
    Command("listing.extend_up", "shift+up,K", "Extend up", "Select up to the row above", "extend(-1)", palette=False),
    Command("listing.right", "right,l", "Right", "Show columns further right", "sideways(1)", palette=False),
    Command("listing.left", "left,h", "Left", "Show columns further left", "sideways(-1)", palette=False),
    Command("listing.jump", "percent_sign", "Go to", "To a row, or a share", "jump", key_display="%", palette=False),
    # Conversations
    Command("conversations.approve", "a", "Approve", "Approve row or selection", "decide('approve')", True,
            role="reviewer"),
    Command("conversations.reject", "x", "Reject", "Reject row or selection", "reject", True, role="reviewer"),
    Command("conversations.undo", "u", "Undo", "Take back your last action", "undo", show=True, role="reviewer"),
    Command("conversations.filter", "slash", "Filter", "Say which rows to show", "filter", show=True),
    Command("conversations.flag", "f", "Flag", "Flag row or selection, or unflag", "flag", show=True, role="reviewer"),
    Command("conversations.sort", "s", "Sort", "Say what to sort by", "sort", True),
    Command("conversations.views", "v", "Views", "Filters with a name", "views", True),
    Command("conversations.all", "asterisk", "Select all", "Select all that match, or none", "select_all"),
    Command("conversations.facets", "F", "Facets", "Go to the facets, show or hide them", "facets"),
    Command("conversations.columns", "c", "Columns", "Which columns, in which order", "columns"),
    Command("conversations.metadata", "m", "Metadata", "Edit that of row or selection", "metadata", show=True,
            role="reviewer"),
    Command("conversations.trash", "delete", "Trash", "Row or selection to the trash, or back", "trash",
            role="author"),
    Command("conversations.preview", "p", "Preview", "Show or hide the preview", "preview"),
    Command("conversations.refresh", "r", "Refresh", "Read the rows again", "refresh_rows"),
    Command("conversations.clear", "escape", "Back", "End the search, the selection, the filter", "clear"),
    Command("filter.apply", "enter", "Apply", "Show what matches", "submit", True, palette=False),
    Command("filter.take", "tab", "Take", "Write what is highlighted, or the first", "take", True, palette=False),
    Command("filter.down", "down", "Down", "Down the list, or to a newer filter", "move(1)", palette=False),
    Command("filter.up", "up", "Up", "Up the list, or to the filter before", "move(-1)", palette=False),
    Command("filter.leave", "escape", "Leave", "Back to the rows, as it was", "leave", True, palette=False),
    # Facets
    Command("facets.down", "j,down", "Down", "One line down", "move(1)", palette=False),
    Command("facets.up", "k,up", "Up", "One line up", "move(-1)", palette=False),
    Command("facets.page_down", "pagedown", "Page down", "A page down", "page(1)", palette=False),
    Command("facets.page_up", "pageup", "Page up", "A page up", "page(-1)", palette=False),
    Command("facets.top", "g,home", "First line", "To the first line", "edge(0)", palette=False),
    Command("facets.bottom", "G,end", "Last line", "To the last line", "edge(1)", palette=False),
    Command("facets.toggle", "space,enter", "Choose", "Add the value to the filter, or take it out", "choose", True,
            palette=False),
    Command("facets.fold", "left,h", "Fold", "Fold the values of this field away", "fold(True)", palette=False),
    Command("facets.unfold", "right,l", "Unfold", "Show the values of this field", "fold(False)", palette=False),
    Command("facets.order", "o", "Order", "Most first, or as in the vocabulary", "order", True, palette=False),
    Command("facets.leave", "tab,escape", "Leave", "Back to the rows", "leave", True, palette=False),
    # Review
    Command("review.approve", "a", "Approve", "Approve, and go on", "decide('approve')", True, role="reviewer"),
    Command("review.reject", "x", "Reject", "Reject: a digit gives the reason", "reject", True, role="reviewer"),
    Command("review.undo", "u", "Undo", "Take back your last action", "undo", True, role="reviewer"),
    Command("review.skip", "space", "Skip", "Leave it waiting and go on", "step(1)", True, key_display="space"),
    Command("review.mark", "t", "Wrong turn", "Mark the turn that is wrong", "mark", True, role="reviewer"),
    Command("review.note", "n", "Note", "A note that goes with the decision", "note", True, role="reviewer"),
    Command("review.flag", "f", "Flag", "Flag it, or unflag it", "flag", True, role="reviewer"),
    Command("review.details", "i", "Details", "Score, source and history", "details", True),
    Command("review.system", "s", "System prompt", "Show the system prompt whole, or folded", "system"),
    Command("review.next", "right_square_bracket", "Next", "The next one, without a decision", "step(1)"),
    Command("review.previous", "left_square_bracket", "Previous", "The one before", "step(-1)"),
    Command("review.refresh", "r", "Refresh", "Read it again", "refresh_queue"),
    # The transcript
    Command("transcript.next", "j", "Next turn", "Go to the next turn", "turn(1)", palette=False),
    Command("transcript.previous", "k", "Previous turn", "Go to the turn before", "turn(-1)", palette=False),
    Command("transcript.down", "down", "Line down", "Scroll a line down", "line(1)", palette=False),
    Command("transcript.up", "up", "Line up", "Scroll a line up", "line(-1)", palette=False),
    Command("transcript.page_down", "pagedown", "Page down", "Scroll a page down", "page(1)", palette=False),
    Command("transcript.page_up", "pageup", "Page up", "Scroll a page up", "page(-1)", palette=False),
    Command("transcript.top", "g,home", "Beginning", "To the first turn", "edge(0)", palette=False),
    Command("transcript.bottom", "G,end", "End", "To the last turn", "edge(1)", palette=False),
    # Generate
    Command("generate.new", "n", "New batch", "Plan a batch and start it", "new", True, role="author"),
    Command("generate.pause", "p", "Pause, resume", "Pause the batch, or go on with it", "pause", True, role="author"),
    Command("generate.cancel", "c", "Cancel", "End the batch, after asking", "cancel", True, role="author"),
    Command("generate.lists", "b", "Batches", "Show or hide the batches", "lists", True),
    Command("generate.worker", "w", "Worker", "Start a worker here", "worker", role="author"),
    Command("generate.templates", "t", "Templates", "The prompts of the batches", "app.templates", True, palette=False),
    Command("generate.retry", "r", "Retry", "Try again what failed, or what failed for one cause", "retry", True,
            role="author"),
    Command("generate.refresh", "R", "Refresh", "Read the batches again", "look"),
    # Coverage
    Command("coverage.fill", "g", "Fill", "Plan what is missing", "fill", True, palette=False, role="author"),
    Command("coverage.target", "t", "Target", "Of the cell, its row or column, or all", "target", True, palette=False,
            role="author"),
    Command("coverage.measure", "m", "Count", "What the number of a cell is", "measure", True, palette=False),
    Command("coverage.pair", "d", "Dimensions", "Other two dimensions", "pair", True, palette=False),
    Command("coverage.turn", "x", "Turn", "Rows become columns", "turn", True, palette=False),
    Command("coverage.rehearsal", "e", "Rehearsal", "Count what the rehearsal wrote, or not", "rehearsal",
            palette=False),
    *(
        Command(f"coverage.emptiest_{place}", str(place), f"Emptiest {place}", "Go to that cell",
                f"emptiest({place - 1})", palette=False)
        for place in range(1, 6)
    ),
    Command("coverage.refresh", "r", "Refresh", "Count again", "count", palette=False),
    Command("coverage.back", "escape", "Close", "Back to the screen", "back", True, palette=False),
    Command("heat_map.open", "enter", "Show", "Show its conversations", "open", True, palette=False),
    Command("heat_map.down", "j,down", "Down", "One row down", "move(1, 0)", palette=False),
    Command("heat_map.up", "k,up", "Up", "One row up", "move(-1, 0)", palette=False),
    Command("heat_map.right", "l,right", "Right", "One column right", "move(0, 1)", palette=False),
    Command("heat_map.left", "h,left", "Left", "One column left", "move(0, -1)", palette=False),
    Command("heat_map.page_down", "pagedown", "Page down", "A page of rows down", "page(1)", palette=False),
    Command("heat_map.page_up", "pageup", "Page up", "A page of rows up", "page(-1)", palette=False),
    Command("heat_map.first", "home", "First", "To the first column", "edge(0)", palette=False),
    Command("heat_map.last", "end", "Last", "To the last column", "edge(1)", palette=False),
    Command("coverage_pair.back", "escape", "Back", "Keep the dimensions", "back", True, palette=False),
    Command("coverage_target.save", "ctrl+s", "Set", "Store the target", "save", True, True, palette=False),
    Command("coverage_target.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # Audit
    Command("audit.next", "right", "Next log", "Generations, reviews, exports", "log(1)", True),
    Command("audit.previous", "left", "Log before", "Exports, reviews, generations", "log(-1)"),
    Command("audit.refresh", "r", "Refresh", "Read the log again", "refresh_log", True),
    Command("audit.back", "escape", "Back", "Back to the rows", "rows"),
    # What is known about a row
    Command("detail.down", "j,down", "Line down", "Scroll a line down", "line(1)", palette=False),
    Command("detail.up", "k,up", "Line up", "Scroll a line up", "line(-1)", palette=False),
    Command("detail.page_down", "pagedown,space", "Page down", "Scroll a page down", "page(1)", palette=False),
    Command("detail.page_up", "pageup", "Page up", "Scroll a page up", "page(-1)", palette=False),
    Command("detail.top", "g,home", "Beginning", "To the first line", "edge(0)", palette=False),
    Command("detail.bottom", "G,end", "End", "To the last line", "edge(1)", palette=False),
    # Performance
    Command("performance.refresh", "r", "Refresh", "Measure again", "measure", True),
    # Vocabulary
    Command("vocabulary.edit", "e", "Edit", "Label and colour", "edit", True, palette=False, role="author"),
    Command("vocabulary.new", "n", "New", "Add a value", "new", True, palette=False, role="author"),
    Command("vocabulary.active", "t", "Active", "For new plans or not", "activate", True, palette=False, role="author"),
    Command("vocabulary.merge", "m", "Merge", "Into another value", "merge", True, palette=False, role="author"),
    Command("vocabulary.remove", "d,delete", "Remove", "Why a value stays", "remove", palette=False, role="author"),
    Command("vocabulary.next", "right,l", "Next", "The next dimension", "dimension(1)", palette=False),
    Command("vocabulary.previous", "left,h", "Previous", "The one before", "dimension(-1)", palette=False),
    Command("vocabulary.refresh", "r", "Refresh", "Read and count again", "refresh_values", palette=False),
    Command("vocabulary.back", "escape", "Close", "Back to the screen", "back", True, palette=False),
    Command("value_form.save", "ctrl+s", "Save", "Store it", "save", True, True, palette=False),
    Command("value_form.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    Command("merging.merge", "y", "Merge", "Give all of them the other value", "merge", True, palette=False),
    Command("merging.back", "escape", "Back", "Back, or stop the merge", "back", True, palette=False),
    # Templates
    Command("templates.save", "ctrl+s", "Save", "Save as a new version", "save", True, True, palette=False,
            role="author"),
    Command("templates.edit", "e", "Edit", "Write a new version", "edit", palette=False, role="author"),
    Command("templates.new", "n", "Copy", "A new template that begins like this one", "new", True, palette=False,
            role="author"),
    Command("templates.active", "t", "Active", "For new batches or not", "activate", True, palette=False,
            role="author"),
    Command("templates.call", "c", "Test call", "Try it with one call, after asking", "call", True, palette=False,
            role="author"),
    Command("templates.next", "right,l", "Next", "The next view of it", "view(1)", True, palette=False),
    Command("templates.previous", "left,h", "Previous", "The view before", "view(-1)", palette=False),
    Command("templates.later", "right_square_bracket", "Next source", "Try it with the next passage", "source(1)",
            palette=False),
    Command("templates.earlier", "left_square_bracket", "Source before", "Try it with the passage before",
            "source(-1)", palette=False),
    Command("templates.other", "o", "Other example", "Try it with another persona, topic and so on", "other", True,
            palette=False),
    Command("templates.base", "space", "Compare from", "Compare from this version on", "base", True, palette=False,
            key_display="space"),
    Command("templates.refresh", "r", "Refresh", "Read and count again", "refresh_templates", palette=False),
    Command("templates.back", "escape", "Back", "Leave the field; close", "back", True, palette=False),
    Command("template_name.save", "ctrl+s,enter", "Create", "Store it as its first version", "save", True, True,
            palette=False),
    Command("template_name.back", "escape", "Close", "Create none", "back", True, palette=False),
    # Prices
    Command("prices.new", "n", "New price", "What a model costs from a day on", "new", True, palette=False,
            role="admin"),
    Command("prices.budget", "b", "Budget", "How much may be spent in a month", "budget", True, palette=False,
            role="admin"),
    Command("prices.refresh", "r", "Refresh", "Read prices and spending again", "look", palette=False),
    Command("prices.back", "escape", "Close", "Back to the screen", "back", True, palette=False),
    Command("price_form.save", "ctrl+s", "Save", "Set the price", "save", True, True, palette=False),
    Command("price_form.back", "escape", "Back", "Set no price", "back", True, palette=False),
    Command("budget_form.save", "ctrl+s,enter", "Save", "Set the budget", "save", True, True, palette=False,
            key_display="ctrl+s"),
    Command("budget_form.back", "escape", "Back", "Leave the budget as it is", "back", True, palette=False),
    # Dialogs
    Command("batch_form.start", "ctrl+s", "Start", "Queue it, and start a worker", "start", True, True, palette=False),
    Command("batch_form.preview", "f2", "Preview", "Its prompts, and what it may cost", "preview", True, palette=False),
    Command("batch_form.back", "escape", "Close", "Plan nothing", "back", True, palette=False),
    Command("batch_preview.start", "ctrl+s", "Start", "Queue it, and start a worker", "start", True, palette=False),
    Command("batch_preview.next", "right_square_bracket", "Next", "The next prompt", "step(1)", True, palette=False),
    Command("batch_preview.previous", "left_square_bracket", "Back one", "The one before", "step(-1)", palette=False),
    Command("batch_preview.back", "escape", "Back", "Back to the plan", "back", True, palette=False),
    Command("cancelling.end", "y", "End it", "End the batch", "end", True, palette=False),
    Command("cancelling.back", "escape,n", "Back", "Leave the batch as it is", "back", True, palette=False),
    Command("reasons.plain", "enter", "No reason", "Reject without a reason", "plain", True, palette=False),
    Command("reasons.back", "escape", "Back", "Decide nothing", "back", True, palette=False),
    Command("sorting.back", "escape", "Back", "Keep the order", "back", True, palette=False),
    Command("columns.show", "space", "Show", "Show the column, or hide it", "show", True, palette=False),
    Command("columns.up", "K", "Up", "Further left in the table", "shift(-1)", True, palette=False),
    Command("columns.down", "J", "Down", "Further right in the table", "shift(1)", True, palette=False),
    Command("columns.wider", "plus", "Wider", "Two cells wider", "widen(2)", True, palette=False),
    Command("columns.narrower", "minus", "Narrower", "Two cells narrower", "widen(-2)", True, palette=False),
    Command("columns.usual", "u", "Usual", "The columns that a new table has", "usual", True, palette=False),
    Command("columns.keep", "ctrl+s", "Keep", "Show the table like this", "keep", True, True, palette=False),
    Command("columns.back", "escape", "Back", "Leave the table as it was", "back", True, palette=False),
    Command("jump.go", "enter", "Go", "To that row", "go", True, True, palette=False),
    Command("jump.back", "escape", "Back", "Stay where you are", "back", True, palette=False),
    Command("note.save", "ctrl+s", "Keep", "Keep the note for the decision", "save", True, True, palette=False),
    Command("note.back", "escape", "Back", "Leave the note as it was", "back", True, palette=False),
    Command("bulk.do", "y,enter", "Do it", "Do it to all of them", "do", True, palette=False),
    Command("bulk.stop", "escape", "Stop", "Stop; what is done stays done", "stop", True, palette=False),
    Command("bulk.back", "escape,n", "Back", "Leave all of them as they are", "back", True, palette=False),
    Command("views.new", "n", "Save as", "Save the present filter, order and columns", "new", True, role="reviewer",
            palette=False),
    Command("views.delete", "d", "Delete", "Delete the view, after asking", "delete", True, role="reviewer",
            palette=False),
    Command("views.save", "ctrl+s", "Save", "Save under this name", "save", True, True, palette=False, role="reviewer"),
    Command("views.back", "escape", "Close", "Leave everything as it is", "back", True, palette=False),
    Command("metadata.save", "ctrl+s", "Save", "Write the changes", "save", True, True, palette=False),
    Command("metadata.new", "n", "New key", "Add a key", "new", True, palette=False),
    Command("metadata.edit", "e", "Edit", "Edit the value", "edit", True, palette=False),
    Command("metadata.remove", "d", "Remove", "Take the key out, or leave it in", "remove", True, palette=False),
    Command("metadata.type", "r", "Type", "Give the key a type, or none", "type", True, palette=False, role="author"),
    Command("metadata.back", "escape", "Back", "Leave the field; stop; close", "back", True, palette=False),
    Command("metadata_keys.new", "n", "New key", "Register a key", "new", True, palette=False, role="author"),
    Command("metadata_keys.edit", "e", "Edit", "Change or unregister it", "edit", True, palette=False, role="author"),
    Command("metadata_keys.back", "escape", "Close", "Close the list", "back", True, palette=False),
    Command("key_form.save", "ctrl+s", "Save", "Register it as it stands here", "save", True, True, palette=False),
    Command("key_form.back", "escape", "Close", "Change nothing", "back", True, palette=False),
    Command("export.write", "ctrl+s", "Write", "Write the file", "write", True, True, palette=False),
    Command("export.back", "escape", "Close", "Close the dialog", "back", True, palette=False),
    Command("help.back", "escape,question_mark,q", "Close", "Back to the screen", "back", True, palette=False),
    Command("opening.retry", "r", "Try again", "Open the workspace again", "retry", True, palette=False),
    Command("opening.quit", "q", "Quit", "Leave Traintui", "app.quit", True, palette=False),
)  # fmt: skip

PLACES: dict[str, str] = {
    "app": "Everywhere",
    "table": "Rows",
    "listing": "Selecting and scrolling",
    "conversations": "Conversations",
    "filter": "Filter",
    "facets": "Facets",
    "review": "Review",
    "transcript": "Reading",
    "reasons": "Reasons",
    "note": "Note",
    "bulk": "Many at once",
    "sorting": "Order",
    "columns": "Columns",
    "jump": "Go to",
    "views": "Views",
    "export": "Export",
    "help": "Help",
    "opening": "Opening",
    "generate": "Generate",
    "coverage": "Coverage",
    "heat_map": "The map",
    "coverage_pair": "Coverage of",
    "coverage_target": "A target",
    "audit": "Audit",
    "performance": "Performance",
    "vocabulary": "Vocabulary",
    "value_form": "A value",
    "merging": "Merge a value",
    "prices": "Prices",
    "price_form": "A price",
    "budget_form": "The month's budget",
    "detail": "The row",
    "templates": "Templates",
    "template_name": "A new template",
    "batch_form": "New batch",
    "batch_preview": "Preview of a batch",
    "cancelling": "End a batch",
    "metadata": "Metadata",
    "metadata_keys": "Metadata keys",
    "key_form": "A metadata key",
}
"""What each place is called in the help."""


def of(where: str) -> tuple[Command, ...]:
    """The commands of a place, in order."""
    return tuple(command for command in COMMANDS if command.where == where)


def bindings(where: str) -> list[BindingType]:
    """`BINDINGS` of a screen, widget or dialog."""
    return [command.binding for command in of(where) if command.keys]


def has(where: str, action: str) -> bool:
    """Whether a place has a command with this action."""
    return any(parse(command.action)[1] == action for command in of(where))


def role_for(where: str, action: str) -> str:
    """The role that an action of a place needs; empty when everybody may."""
    return next((command.role for command in of(where) if parse(command.action)[1] == action), "")


class PaletteCommands(Provider):
    """What can be done on the screen that the palette was opened on, by name."""

    def _offered(self) -> Iterable[tuple[Command, Callable[[], Coroutine[Any, Any, bool]]]]:
        places: tuple[str, ...] = getattr(self.screen, "PLACES", ())
        for node, where in (*((self.screen, place) for place in places), (self.app, "app")):
            for command in of(where):
                action = parse(command.action)[1]
                if command.palette and node.check_action(action, ()):
                    yield command, partial(self.app.run_action, command.action, node)

    async def discover(self) -> Hits:
        """All of them, while nothing is typed."""
        for command, run in self._offered():
            yield DiscoveryHit(Content(command.name), run, text=command.name, help=command.tooltip)

    async def search(self, query: str) -> Hits:
        """Those whose name fits."""
        matcher = self.matcher(query)
        for command, run in self._offered():
            if (fit := matcher.match(command.name)) > 0:
                yield Hit(fit, matcher.highlight(command.name), run, text=command.name, help=command.tooltip)
