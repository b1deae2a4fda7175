"""The commands of rows, text and maps, wherever they stand: moving, choosing, reading."""

from __future__ import annotations

from traintui.commands.command import Command

PLACES: dict[str, str] = {
    "table": "Rows",
    "listing": "Selecting and scrolling",
    "filter": "Filter",
    "facets": "Facets",
    "heat_map": "The map",
    "transcript": "Reading",
    "matches": "What was found",
    "searching": "Searching",
    "detail": "The row",
    "payload": "What was sent and came back",
    "text_editor": "Writing",
    "reports": "Reports",
}
"""What each of them is called in the help."""

COMMANDS: tuple[Command, ...] = (
    # Rows
    Command("table.down", "j,down", "Down", "One row down", "move(1)", palette=False),
    Command("table.up", "k,up", "Up", "One row up", "move(-1)", palette=False),
    Command("table.page_down", "pagedown", "Page down", "A page of rows down", "page(1)", palette=False),
    Command("table.page_up", "pageup", "Page up", "A page of rows up", "page(-1)", palette=False),
    Command("table.top", "g,home", "First row", "To the first row", "edge(0)", palette=False),
    Command("table.bottom", "G,end", "Last row", "To the last row", "edge(1)", palette=False),
    Command("table.open", "enter", "Open", "Open the row", "open", palette=False, show=True),
    # Selecting and scrolling
    Command("listing.select", "space", "Select", "Select it, and go on", "select", True, key_display="space",
            palette=False),
    Command("listing.extend_down", "shift+down,J", "Extend", "Select up to the row below", "extend(1)", palette=False),
    Command("listing.extend_up", "shift+up,K", "Extend up", "Select up to the row above", "extend(-1)", palette=False),
    Command("listing.right", "right,l", "Right", "Show columns further right", "sideways(1)", palette=False),
    Command("listing.left", "left,h", "Left", "Show columns further left", "sideways(-1)", palette=False),
    Command("listing.jump", "percent_sign", "Go to", "To a row, or a share", "jump", key_display="%", palette=False),
    # Filter
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
    # The map
    Command("heat_map.open", "enter", "Show", "Show its conversations", "open", True, palette=False),
    Command("heat_map.down", "j,down", "Down", "One row down", "move(1, 0)", palette=False),
    Command("heat_map.up", "k,up", "Up", "One row up", "move(-1, 0)", palette=False),
    Command("heat_map.right", "l,right", "Right", "One column right", "move(0, 1)", palette=False),
    Command("heat_map.left", "h,left", "Left", "One column left", "move(0, -1)", palette=False),
    Command("heat_map.page_down", "pagedown", "Page down", "A page of rows down", "page(1)", palette=False),
    Command("heat_map.page_up", "pageup", "Page up", "A page of rows up", "page(-1)", palette=False),
    Command("heat_map.first", "home", "First", "To the first column", "edge(0)", palette=False),
    Command("heat_map.last", "end", "Last", "To the last column", "edge(1)", palette=False),
    # Reading
    Command("transcript.next", "j", "Next turn", "Go to the next turn", "turn(1)", palette=False),
    Command("transcript.previous", "k", "Previous turn", "Go to the turn before", "turn(-1)", palette=False),
    Command("transcript.down", "down", "Line down", "Scroll a line down", "line(1)", palette=False),
    Command("transcript.up", "up", "Line up", "Scroll a line up", "line(-1)", palette=False),
    Command("transcript.page_down", "pagedown", "Page down", "Scroll a page down", "page(1)", palette=False),
    Command("transcript.page_up", "pageup", "Page up", "Scroll a page up", "page(-1)", palette=False),
    Command("transcript.top", "g,home", "Beginning", "To the first turn", "edge(0)", palette=False),
    Command("transcript.bottom", "G,end", "End", "To the last turn", "edge(1)", palette=False),
    # What was found
    Command("matches.next", "enter,greater_than_sign", "Next match", "To the next match", "match(1)", palette=False),
    Command("matches.previous", "less_than_sign", "Match before", "To the match before", "match(-1)", palette=False),
    Command("matches.clear", "escape", "Unmark", "Take the marks of the search away", "unmark", palette=False),
    # Searching
    Command("searching.keep", "enter", "Keep", "Back to the text, at this match", "keep", True, palette=False),
    Command("searching.next", "down", "Next match", "To the next match", "match(1)", True, palette=False),
    Command("searching.previous", "up", "Match before", "To the match before", "match(-1)", palette=False),
    Command("searching.leave", "escape", "Leave", "End the search, back where it began", "leave", True,
            palette=False),
    # Writing
    Command("text_editor.top", "ctrl+home", "Beginning", "To the beginning of the text", "edge(0)", palette=False),
    Command("text_editor.bottom", "ctrl+end", "End", "To the end of the text", "edge(1)", palette=False),
    Command("text_editor.select", "f7", "All", "Select all of the text", "select_all", True, palette=False),
    Command("text_editor.undo", "ctrl+z", "Undo", "Take back what was typed last", "undo", True, palette=False),
    Command("text_editor.redo", "ctrl+y", "Redo", "Type it again", "redo", palette=False),
    # The row
    Command("detail.down", "j,down", "Line down", "Scroll a line down", "line(1)", palette=False),
    Command("detail.up", "k,up", "Line up", "Scroll a line up", "line(-1)", palette=False),
    Command("detail.page_down", "pagedown,space", "Page down", "Scroll a page down", "page(1)", palette=False),
    Command("detail.page_up", "pageup", "Page up", "Scroll a page up", "page(-1)", palette=False),
    Command("detail.top", "g,home", "Beginning", "To the first line", "edge(0)", palette=False),
    Command("detail.bottom", "G,end", "End", "To the last line", "edge(1)", palette=False),
    # A payload
    Command("payload.seek", "slash", "Find", "Find words in what was sent and came back", "seek", True, palette=False),
    Command("payload.toggle", "space,enter", "Fold", "Fold what begins here, or show it", "fold_here", True,
            key_display="space", palette=False),
    Command("payload.all", "z", "All", "Show all of it, or fold all of it", "fold_all", True, palette=False),
    Command("payload.next", "n", "Next match", "To the next match", "match(1)", palette=False),
    Command("payload.previous", "N", "Match before", "To the match before", "match(-1)", palette=False),
    # Reports
    Command("reports.all", "m", "Make all", "Make every report, one after the other", "make_all", True),
    Command("reports.choose", "p", "Period", "As of when, which period, where to look and where to save", "choose",
            True),
    Command("reports.csv", "c", "CSV", "Save all its rows as CSV", "csv", True),
    Command("reports.save", "s", "Save", "Save it as CSV and as a page with its seal", "save", True),
)  # fmt: skip
