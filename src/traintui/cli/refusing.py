"""How a command that was refused, stopped or misused ends: in words on standard error, and where JSON is asked for also
in one object on standard output. The exit code is the same for both."""

from __future__ import annotations

import json
import sys
from typing import Any, NoReturn

import typer

from traintui.cli.running import say
from traintui.errors import TraintuiError, sentence

WRONG_USAGE = 2


def refuse(error: TraintuiError) -> NoReturn:
    """Ends the process with an answer."""
    say(f"traintui: {error.title}: {error.message}\n{error.remedy}")
    told(error.title, error.message, error.remedy, error.beside)
    sys.exit(1)


def answer_end(ended: SystemExit) -> None:
    """Answers where typer ended a command. One that ended by itself has said all, and wrong usage is said in words."""
    cause = ended.__context__
    if cause is not None and isinstance(cause.__cause__, KeyboardInterrupt):
        stands = "What was finished until then stands; nothing is half done."
        say(f"\ntraintui: Stopped. {stands}")
        told("Stopped", "somebody stopped it.", stands)
    elif isinstance(cause, typer.Abort):
        told(
            "Not confirmed", "it asks before it goes on, and nobody said yes.",
            "Nothing was done. Answer y, or give --yes where the command has it.",
        )  # fmt: skip
    elif ended.code == WRONG_USAGE and cause is not None:
        words = getattr(cause, "format_message", lambda: str(cause))()
        told("Wrong usage", " ".join(words.split()), "Add --help to the command: it says how it is used.")


def told(title: str, message: str, remedy: str, beside: dict[str, Any] | None = None) -> None:
    """Prints an answer as one JSON object, where JSON is asked for."""
    if "--json" in sys.argv[1:]:
        error = {"title": title, "message": sentence(message), "remedy": remedy}
        print(json.dumps({"error": error, **(beside or {})}))
