"""The commands of forms and questions."""

from __future__ import annotations

from traintui.commands.command import Command

PLACES: dict[str, str] = {
    "coverage_pair": "Coverage of",
    "coverage_target": "A target",
    "value_form": "A value",
    "merging": "Merge a value",
    "template_name": "A new template",
    "price_form": "A price",
    "budget_form": "The month's budget",
    "batch_form": "New batch",
    "batch_preview": "Preview of a batch",
    "batch_sources": "What to write from",
    "batch_values": "Values and weights",
    "judge_form": "Judge conversations",
    "cancelling": "End a batch",
    "ending": "End a session",
    "quitting": "Closing the app",
    "leaving": "Not saved yet",
    "decide_anew": "Changed meanwhile",
    "calling_off": "Call a submission off",
    "threshold_form": "A threshold",
    "retention_form": "How long it is kept",
    "report_form": "What reports are of",
    "alert_hook": "What an alert runs",
    "agreement": "Who reviews what",
    "second_review": "Second review",
    "releasing": "Release",
    "reasons": "Reasons",
    "sorting": "Order",
    "review_choice": "What to review",
    "pace": "Your pace",
    "assigning": "Assign",
    "columns": "Columns",
    "jump": "Go to",
    "save_csv": "Save as CSV",
    "note": "Note",
    "turn_editor": "Editing a turn",
    "turn_tools": "Turns",
    "regenerate": "Write anew",
    "revisions": "Revisions",
    "trail": "Trail",
    "copying": "Copy",
    "differing": "What differs",
    "bulk": "Many at once",
    "mending": "Mend an index",
    "index_history": "What was done to indexes",
    "erasing": "Erase from calls",
    "holding": "Calls that hold a text",
    "views": "Views",
    "metadata": "Metadata",
    "metadata_keys": "Metadata keys",
    "key_form": "A metadata key",
    "export": "Export",
    "importing": "Import",
    "unfinished_import": "An import was cut off",
    "help": "Help",
    "opening": "Opening",
}
"""What each of them is called in the help."""

COMMANDS: tuple[Command, ...] = (
    # Coverage of
    Command("coverage_pair.back", "escape", "Back", "Keep the dimensions", "back", True, palette=False),
    # A target
    Command("coverage_target.save", "ctrl+s", "Set", "Store the target", "save", True, True, palette=False),
    Command("coverage_target.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # A value
    Command("value_form.save", "ctrl+s", "Save", "Store it", "save", True, True, palette=False),
    Command("value_form.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # Merge a value
    Command("merging.merge", "y", "Merge", "Give all of them the other value", "merge", True, palette=False),
    Command("merging.back", "escape", "Back", "Back, or stop the merge", "back", True, palette=False),
    # What reports are of
    Command("report_form.save", "ctrl+s", "Keep", "Make reports of it from now on", "save", True, True, palette=False),
    Command("report_form.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # What an alert runs
    Command("alert_hook.save", "ctrl+s", "Save", "Have it run, and confirm it for this machine", "save", True, True,
            palette=False),
    Command("alert_hook.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # A new template
    Command("template_name.save", "ctrl+s,enter", "Create", "Store it as its first version", "save", True, True,
            palette=False),
    Command("template_name.back", "escape", "Close", "Create none", "back", True, palette=False),
    # Judge conversations
    Command("judge_form.start", "ctrl+s", "Start", "Queue the batch that judges them", "start", True, True,
            palette=False),
    Command("judge_form.back", "escape", "Back", "Judge nothing", "back", True, palette=False),
    # A price
    Command("price_form.save", "ctrl+s", "Save", "Set the price", "save", True, True, palette=False),
    Command("price_form.back", "escape", "Back", "Set no price", "back", True, palette=False),
    # The month's budget
    Command("budget_form.save", "ctrl+s,enter", "Save", "Set the budget", "save", True, True, palette=False,
            key_display="ctrl+s"),
    Command("budget_form.back", "escape", "Back", "Leave the budget as it is", "back", True, palette=False),
    # New batch
    Command("batch_form.start", "ctrl+s", "Start", "Queue it, and start a worker", "start", True, True, palette=False),
    Command("batch_form.preview", "f2", "Preview", "Its prompts, and what it may cost", "preview", True, palette=False),
    Command("batch_form.more", "f3", "More", "Show more of the plan, or less", "more", True, palette=False),
    Command("batch_form.back", "escape", "Close", "Plan nothing", "back", True, palette=False),
    # Preview of a batch
    Command("batch_preview.start", "ctrl+s", "Start", "Queue it, and start a worker", "start", True, palette=False),
    Command("batch_preview.next", "right_square_bracket", "Next", "The next prompt", "step(1)", True, palette=False),
    Command("batch_preview.previous", "left_square_bracket", "Back one", "The one before", "step(-1)", palette=False),
    Command("batch_preview.back", "escape", "Back", "Back to the plan", "back", True, palette=False),
    # What to write from
    Command("batch_sources.choose", "space", "Choose", "Write from it, or not", "choose", True, key_display="space",
            palette=False),
    Command("batch_sources.all", "asterisk", "All, none", "Everything, or nothing", "all", True, palette=False),
    Command("batch_sources.unfold", "right,l", "Unfold", "Show the chunks of the document", "fold(False)", True,
            palette=False),
    Command("batch_sources.fold", "left,h", "Fold", "Fold the chunks away", "fold(True)", palette=False),
    Command("batch_sources.keep", "ctrl+s", "Keep", "Write from what is chosen", "keep", True, True, palette=False),
    Command("batch_sources.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # Values and weights
    Command("batch_values.choose", "space", "In or out", "Take the value, or leave it out", "choose", True,
            key_display="space", palette=False),
    Command("batch_values.more", "plus", "More often", "Weigh one more", "weigh(1)", True, key_display="+",
            palette=False),
    Command("batch_values.less", "minus", "Less", "Weigh one less", "weigh(-1)", True, key_display="-",
            palette=False),
    *(
        Command(f"batch_values.weight_{weight}", str(weight), f"Weight {weight}", f"Weigh {weight}",
                f"weight({weight})", palette=False)
        for weight in range(10)
    ),
    Command("batch_values.alike", "a", "All alike", "Every value of the dimension as often", "alike", True,
            palette=False),
    Command("batch_values.next", "right,l,tab", "Next", "To the next dimension", "dimension(1)", palette=False),
    Command("batch_values.previous", "left,h,shift+tab", "Previous", "To the dimension before", "dimension(-1)",
            palette=False),
    Command("batch_values.keep", "ctrl+s", "Keep", "Plan with these weights", "keep", True, True, palette=False),
    Command("batch_values.back", "escape", "Back", "Leave it as it was", "back", True, palette=False),
    # End a batch
    Command("cancelling.end", "y", "End it", "End the batch", "end", True, palette=False),
    Command("cancelling.back", "escape,n", "Back", "Leave the batch as it is", "back", True, palette=False),
    Command("ending.end", "y", "Yes", "Tell the server to", "end", True, palette=False),
    Command("ending.back", "escape,n", "Back", "Leave it as it is", "back", True, palette=False),
    Command("quitting.leave", "l", "Leave it running", "Close the app; the worker goes on", "leave", True,
            palette=False),
    Command("quitting.stop", "s", "Stop it", "Close the app; the worker ends after its calls", "stop", True,
            palette=False),
    Command("quitting.always", "space", "Each time", "Do the same each time", "always", True, palette=False,
            key_display="space"),
    Command("quitting.back", "escape,n", "Stay", "Leave the app open", "back", True, palette=False),
    Command("leaving.leave", "q,y,enter", "Leave", "Close the app; the next start sends what waits", "leave", True,
            palette=False),
    Command("leaving.back", "escape,n", "Stay", "Leave the app open", "back", True, palette=False),
    # A decision that came too late
    Command("decide_anew.anew", "y", "Decide anew", "Decide the same on the newest version", "anew", True,
            palette=False, role="reviewer"),
    Command("decide_anew.back", "escape", "Leave it", "Leave it to be read again", "back", True, palette=False),
    # Who reviews what
    Command("agreement.disputes", "d", "Decide these", "Decide what others disagree on", "disputes", True,
            palette=False, role="reviewer"),
    Command("agreement.edit", "e", "Second review", "How many decide, on which share", "edit", True, palette=False,
            role="admin"),
    Command("agreement.release", "l", "Release", "What waits for another decision", "release", True, palette=False,
            role="admin"),
    Command("agreement.refresh", "r", "Refresh", "Read it again", "look", palette=False),
    Command("agreement.back", "escape", "Close", "Back to the screen", "back", True, palette=False),
    # Release from the second review
    Command("releasing.settle", "s", "They count", "The decisions that are there count", "release(True)", True,
            palette=False, role="admin"),
    Command("releasing.back_to_one", "h", "Hand back", "One decision of anybody settles each", "release(False)", True,
            palette=False, role="admin"),
    Command("releasing.back", "escape", "Back", "Let them wait", "back", True, palette=False),
    # Second review
    Command("second_review.save", "ctrl+s", "Save", "Store it for everybody", "save", True, True, palette=False),
    Command("second_review.back", "escape", "Back", "Leave it as it is", "back", True, palette=False),
    # Reasons
    Command("reasons.plain", "enter", "No reason", "Reject without a reason", "plain", True, palette=False),
    Command("reasons.anew", "R", "And write anew", "Reject, then write it anew because of the reason", "anew", True,
            palette=False),
    Command("reasons.back", "escape", "Back", "Decide nothing", "back", True, palette=False),
    # Order
    Command("sorting.back", "escape", "Back", "Keep the order", "back", True, palette=False),
    # What to review
    Command("review_choice.filter", "slash", "Filter", "Which of those that wait", "filter", True, palette=False),
    Command("review_choice.mine", "m", "Mine", "Only what is yours, or all", "mine", True, palette=False),
    Command("review_choice.take", "ctrl+s", "Review these", "In the order under the cursor", "take", priority=True,
            palette=False),
    Command("review_choice.back", "escape", "Back", "Keep the queue", "back", True, palette=False),
    # Your pace
    Command("pace.target", "t", "Target", "How many you want to decide in a day", "target", True, palette=False),
    Command("pace.save", "ctrl+s", "Keep", "Keep the target", "save", True, True, palette=False),
    Command("pace.back", "escape", "Close", "Leave the field; close", "back", True, palette=False),
    # Assign
    Command("assigning.assign", "ctrl+s", "Assign", "Give everybody their share", "assign", True, True, palette=False),
    Command("assigning.take_back", "t", "Take back", "What of these anybody has, whoever it is", "take_back", True,
            palette=False),
    Command("assigning.alone", "space", "All, even", "All of it to this one, or evenly to everybody", "alone", True,
            key_display="space", palette=False),
    Command("assigning.more", "plus", "More", "Weigh one more", "weigh(1)", True, key_display="+", palette=False),
    Command("assigning.less", "minus", "Less", "Weigh one less", "weigh(-1)", True, key_display="-", palette=False),
    *(
        Command(f"assigning.weight_{weight}", str(weight), f"Weight {weight}", f"Weigh {weight}",
                f"weight({weight})", palette=False)
        for weight in range(10)
    ),
    Command("assigning.back", "escape", "Close", "Stop; close", "back", True, palette=False),
    # Columns
    Command("columns.show", "space", "Show", "Show the column, or hide it", "show", True, palette=False),
    Command("columns.up", "K", "Up", "Further left in the table", "shift(-1)", True, palette=False),
    Command("columns.down", "J", "Down", "Further right in the table", "shift(1)", True, palette=False),
    Command("columns.wider", "plus", "Wider", "Two cells wider", "widen(2)", True, palette=False),
    Command("columns.narrower", "minus", "Narrower", "Two cells narrower", "widen(-2)", True, palette=False),
    Command("columns.usual", "u", "Usual", "The columns that a new table has", "usual", True, palette=False),
    Command("columns.keep", "ctrl+s", "Keep", "Show the table like this", "keep", True, True, palette=False),
    Command("columns.back", "escape", "Back", "Leave the table as it was", "back", True, palette=False),
    # Go to
    Command("save_csv.save", "enter,ctrl+s", "Save", "Write the file", "save", True, True, palette=False),
    Command("save_csv.back", "escape", "Back", "Write nothing", "back", True, palette=False),
    Command("jump.go", "enter", "Go", "To that row", "go", True, True, palette=False),
    Command("jump.back", "escape", "Back", "Stay where you are", "back", True, palette=False),
    # Note
    Command("note.save", "enter,ctrl+s", "Keep", "Keep the note for the decision", "save", True, True, palette=False),
    Command("note.line", "ctrl+j,shift+enter,alt+enter", "New line", "Begin another line", "line", True, True,
            palette=False),
    Command("note.back", "escape", "Back", "Leave the note as it was", "back", True, palette=False),
    # Editing a turn
    Command("turn_editor.save", "ctrl+s", "Save", "Save it as a new revision", "save", True, True, palette=False),
    Command("turn_editor.back", "escape", "Leave", "Leave; what is not saved stays a draft", "back", True,
            palette=False),
    Command("turn_editor.discard", "", "Throw away", "Throw away what is not saved, and leave", "discard"),
    # Turns
    Command("turn_tools.after", "a", "Add after", "Write turns after this exchange", "use('a')", palette=False),
    Command("turn_tools.before", "b", "Add before", "Write turns before this exchange", "use('b')", palette=False),
    Command("turn_tools.split", "s", "Split", "Make several turns of this one", "use('s')", palette=False),
    Command("turn_tools.merge", "m", "Merge", "Make one exchange of this one and the next", "use('m')", palette=False),
    Command("turn_tools.delete", "d", "Delete", "Take the exchange out", "use('d')", palette=False),
    Command("turn_tools.system", "p", "System prompt", "Edit the system prompt", "use('p')", palette=False),
    Command("turn_tools.back", "escape", "Back", "Change nothing", "back", True, palette=False),
    # Write anew
    Command("regenerate.turn", "t,enter", "This turn", "Write this turn anew", "choose(0)", True, palette=False),
    Command("regenerate.rest", "r", "From here", "Write all turns from this one on anew", "choose(1)", True,
            palette=False),
    Command("regenerate.back", "escape", "Back", "Write nothing", "back", True, palette=False),
    # Revisions
    Command("revisions.base", "space", "Compare from", "Compare from this revision on", "base", True, palette=False,
            key_display="space"),
    Command("revisions.restore", "u", "Take back", "Back to this revision, from the newest to the one before",
            "restore", True, palette=False),
    Command("revisions.scroll_down", "right,l", "Scroll", "Scroll the difference", "page(1)", True, palette=False),
    Command("revisions.scroll_up", "left,h", "Scroll up", "Scroll the difference back", "page(-1)", palette=False),
    Command("revisions.back", "escape,d", "Close", "Back to the conversation", "back", True, palette=False),
    # Trail
    Command("trail.whole", "w", "Whole text", "The whole text as it was, or only what differs today", "whole", True,
            palette=False),
    Command("trail.calls", "H", "Its calls", "The calls of this conversation, in Audit",
            "in_audit('generations')", True),
    Command("trail.exports", "E", "Its exports", "The exports that hold this conversation, in Audit",
            "in_audit('exports')", True),
    Command("trail.scroll_down", "right,l", "Scroll", "Scroll the text", "page(1)", True, palette=False),
    Command("trail.scroll_up", "left,h", "Scroll up", "Scroll the text back", "page(-1)", palette=False),
    Command("trail.back", "escape", "Close", "Back to where one was", "back", True, palette=False),
    # Copy
    Command("copying.turn", "y,t", "Turn", "Copy the current turn", "copy('turn')", True, palette=False),
    Command("copying.conversation", "c", "Conversation", "Copy all turns", "copy('conversation')", True, palette=False),
    Command("copying.id", "i", "Id", "Copy the id", "copy('id')", True, palette=False),
    Command("copying.back", "escape", "Back", "Copy nothing", "back", True, palette=False),
    # What differs
    Command("differing.other", "o", "The other", "From your last look, or from the one that is alike", "other", True,
            palette=False),
    Command("differing.back", "escape,equals_sign,q", "Close", "Back to the text", "back", True, palette=False),
    # Many at once
    Command("bulk.do", "y,enter", "Do it", "Do it to all of them", "do", True, palette=False),
    Command("bulk.stop", "escape", "Stop", "Stop; what is done stays done", "stop", True, palette=False),
    Command("bulk.back", "escape,n", "Back", "Leave all of them as they are", "back", True, palette=False),
    # Mend an index
    Command("mending.do", "y", "Do it", "Do what is shown", "do", True, palette=False),
    Command("mending.stop", "escape", "Stop", "End it; what it began is taken away", "stop", True, palette=False),
    Command("mending.back", "escape,n", "Back", "Leave it as it is", "back", True, palette=False),
    # What was done to indexes
    Command("index_history.undo", "u", "Undo", "Make again what was dropped", "undo", True, palette=False,
            role="admin"),
    Command("index_history.back", "escape", "Close", "Back to the indexes", "back", True, palette=False),
    # Erase from calls
    Command("erasing.erase", "ctrl+s", "Erase", "Erase it, after asking once more", "erase", True, True, palette=False),
    Command("erasing.do", "y", "Erase", "Erase it for good", "do", True, palette=False),
    Command("erasing.stop", "escape", "Stop", "Stop behind the call at hand", "stop", True, palette=False),
    Command("erasing.back", "escape", "Back", "Leave it as it is", "back", True, palette=False),
    # Calls that hold a text
    Command("holding.look", "enter", "Look", "Look through all calls", "look", True, palette=False),
    Command("holding.erase", "ctrl+s", "Erase", "Go on to erasing what was found", "erase", True, True, palette=False),
    Command("holding.back", "escape", "Close", "Stop looking; close", "back", True, palette=False),
    # Views
    Command("views.new", "n", "Save as", "Save the present filter, order and columns", "new", True, role="reviewer",
            palette=False),
    Command("views.delete", "d", "Delete", "Delete the view, after asking", "delete", True, role="reviewer",
            palette=False),
    Command("views.save", "ctrl+s", "Save", "Save under this name", "save", True, True, palette=False, role="reviewer"),
    Command("views.back", "escape", "Close", "Leave everything as it is", "back", True, palette=False),
    # Metadata
    Command("metadata.save", "ctrl+s", "Save", "Write the changes", "save", True, True, palette=False),
    Command("metadata.new", "n", "New key", "Add a key", "new", True, palette=False),
    Command("metadata.edit", "e", "Edit", "Edit the value", "edit", True, palette=False),
    Command("metadata.remove", "d", "Remove", "Take the key out, or leave it in", "remove", True, palette=False),
    Command("metadata.type", "r", "Type", "Give the key a type, or none", "type", True, palette=False, role="author"),
    Command("metadata.back", "escape", "Back", "Leave the field; stop; close", "back", True, palette=False),
    # Metadata keys
    Command("metadata_keys.new", "n", "New key", "Register a key", "new", True, palette=False, role="author"),
    Command("metadata_keys.edit", "e", "Edit", "Change or unregister it", "edit", True, palette=False, role="author"),
    Command("metadata_keys.back", "escape", "Close", "Close the list", "back", True, palette=False),
    # A metadata key
    Command("key_form.save", "ctrl+s", "Save", "Register it as it stands here", "save", True, True, palette=False),
    Command("key_form.back", "escape", "Close", "Change nothing", "back", True, palette=False),
    # Export
    Command("export.write", "ctrl+s", "Write", "Write the file", "write", True, True, palette=False),
    Command("export.back", "escape", "Close", "Close the dialog", "back", True, palette=False),
    # Import
    Command("importing.go", "ctrl+s", "Read, store", "Read the file; once it was read, store it", "go", True, True,
            palette=False),
    Command("importing.mapping", "f2", "Mapping", "Say where conversations are in a file of another shape", "mapping",
            True, palette=False),
    Command("importing.add", "a", "Add", "Add the value to the vocabulary", "becomes(0)", True, palette=False),
    Command("importing.next", "right,l", "Make it", "Make another value of it", "becomes(1)", True, palette=False),
    Command("importing.previous", "left,h", "Back one", "The value before", "becomes(-1)", palette=False),
    Command("importing.all", "A", "Add all", "Add every value that is not known", "add_all", True, palette=False),
    Command("importing.back", "escape", "Close", "Stop, and keep nothing; close", "back", True, palette=False),
    # An import was cut off
    Command("unfinished_import.finish", "f", "Finish", "Go on from where it was", "finish", True, palette=False),
    Command("unfinished_import.remove", "r", "Take away", "Take away what came in", "remove", True, palette=False),
    Command("unfinished_import.back", "escape", "Later", "Leave it as it is; stop", "back", True, palette=False),
    # Help
    Command("help.back", "escape,question_mark,q", "Close", "Back to the screen", "back", True, palette=False),
    # Opening
    Command("opening.retry", "r", "Try again", "Open the workspace again", "retry", True, palette=False),
    Command("opening.quit", "q", "Quit", "Leave Traintui", "app.quit", True, palette=False),
    # Call a submission off
    Command("calling_off.end", "y", "Call it off", "Ask the provider to begin nothing more", "end", True,
            palette=False),
    Command("calling_off.back", "escape,n", "Back", "Leave it as it is", "back", True, palette=False),
    # A threshold
    Command("retention_form.save", "ctrl+s", "Save", "Store it for everybody", "save", True, True, palette=False),
    Command("retention_form.back", "escape", "Back", "Leave it as it is", "back", True, palette=False),
    Command("threshold_form.save", "ctrl+s", "Save", "Store it for everybody", "save", True, True, palette=False),
    Command("threshold_form.back", "escape", "Back", "Leave it as it is", "back", True, palette=False),
)  # fmt: skip
