"""The command line. Results go to standard output, messages to standard error; exit 0 done, 1 failed, 2 wrong usage.
With --json standard output has one JSON object, whatever became of the command (`refusing.py`).

Every command stands here once; a room of this package holds each group of them. What a command needs beyond its own
line is imported when it runs, so that `--help` is there at once.
"""

from __future__ import annotations

import logging
import traceback
from pathlib import Path

import typer

from traintui.cli.auditing import audit_app
from traintui.cli.database import db_app
from traintui.cli.exporting import export
from traintui.cli.files import import_
from traintui.cli.generating import generate, rehearsal, template_test, worker
from traintui.cli.judging import judge
from traintui.cli.metadata import metadata_app
from traintui.cli.opening import demo, doctor, open_app
from traintui.cli.people import user_app
from traintui.cli.redacting import redaction_app
from traintui.cli.refusing import answer_end, refuse
from traintui.cli.targets import targets_app
from traintui.cli.thresholds import threshold_app
from traintui.errors import TraintuiError

app = typer.Typer(
    name="traintui",
    help="Turn your team's documents into a reviewed dataset of conversations for LoRA fine-tuning.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.callback(invoke_without_command=True)(open_app)
app.command()(demo)
app.command()(doctor)
app.command("import")(import_)
app.command()(export)
app.command()(generate)
app.command()(judge)
app.command()(worker)
app.command()(rehearsal)
app.command("template-test", hidden=True)(template_test)
app.add_typer(audit_app, name="audit")
app.add_typer(db_app, name="db")
app.add_typer(user_app, name="user")
app.add_typer(threshold_app, name="threshold")
app.add_typer(targets_app, name="targets")
app.add_typer(redaction_app, name="redaction")
app.add_typer(metadata_app, name="metadata")


def main() -> None:
    """Runs what the command line asks for and ends the process."""
    # What libraries say by the way, as of a query that was given up by quitting, would stand on the terminal.
    for library in ("anthropic", "psycopg"):
        logging.getLogger(library).addHandler(logging.NullHandler())
    try:
        app(prog_name="traintui")
    except TraintuiError as error:
        refuse(error)
    except SystemExit as ended:
        answer_end(ended)
        raise
    except Exception as error:
        message, remedy = f"{type(error).__name__}, which Traintui did not expect.", keep_traceback(error)
        refuse(TraintuiError("Stopped", message, remedy))


def keep_traceback(error: Exception) -> str:
    """Writes down what happened, for those who mend it; the line that tells where."""
    from traintui.settings import default_home, load_settings

    told = traceback_of(error)
    try:
        home = load_settings().home
    except TraintuiError:
        home = default_home()
    for directory in (home / "logs", Path.cwd()):
        try:
            directory.mkdir(parents=True, exist_ok=True)
            path = directory / "traintui-error.log"
            with path.open("a", encoding="utf-8") as file:
                file.write(told)
        except OSError:
            continue
        return f"Look at what was done before you repeat it, and send {path} to the makers."
    return "Look at what was done before you repeat it, and run `traintui doctor`."


def traceback_of(error: Exception) -> str:
    """Where it happened and why, as Python tells it, redacted: a message may quote what was worked on."""
    from traintui.audit.redaction import redact_text

    return redact_text("".join(traceback.format_exception(error))).value
