"""What the database refuses, as answers to a person. The codes stand in the guards of the first migration."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from traintui.errors import TraintuiError, sentence

DEMOTE = "traintui db demote"
"""What the database hints at where the column of a promoted key is in the way."""
NO_COLUMN = "42703"
"""A column that is not there: an answer where it is that of a promoted key, else a fault of ours."""
NO_ROOM = "53200"
"""The server has no memory left, or no room in the table of locks that all who are connected share."""


class Refused(TraintuiError):
    """A change that the database refused. Nothing was changed.

    `code` is the SQLSTATE (`TT001` and so on), `detail` what the database said beside it.
    """

    def __init__(
        self, title: str, message: str, remedy: str, *, code: str, detail: dict[str, Any] | None = None
    ) -> None:
        super().__init__(title, message, remedy)
        self.code = code
        self.detail = detail or {}

    @property
    def stale(self) -> bool:
        """Whether the conversation has moved on since it was shown."""
        return self.code == "TT001"

    @property
    def passing(self) -> bool:
        """Whether the database cannot at this moment, and would take the same later: a full disk, no room for a lock,
        rows in use, a standby that is not the server yet, a metadata key that has just gone back from its column."""
        return self.code in {"40P01", "40001", "55P03", "57014", "53100", NO_ROOM, "53300", "25006", NO_COLUMN}


class NotReached(TraintuiError):
    """The database is away: no connection to it, or one that was lost."""


ANSWERS: dict[str, tuple[str, str]] = {
    "TT001": ("Changed meanwhile", "Nothing was applied. Read it as it is now, then decide."),
    "TT002": ("Not found", "It may have been purged. Refresh the table."),
    "TT003": ("Not possible now", "Nothing was changed. Refresh to see how it stands."),
    "TT004": ("No right", "Ask an administrator for the role: traintui user add NAME --role ROLE."),
    "TT005": ("Record kept", "Log rows are never changed. Add a new action instead."),
    "TT006": ("Decision needed", "Approve or reject it, so that the record says who did."),
    "TT007": ("Nothing to undo", "Only your own last action can be undone, until somebody acts on it."),
    "TT008": ("Turns not whole", "User and assistant alternate, user first, at least two turns."),
    "TT009": ("Not in the vocabulary", "Add the value to the vocabulary first, or use one that is there."),
    "TT010": ("Key used before", "Nothing was changed. Press the key again."),
    "TT012": ("Batch not running", "Resume the batch; what is planned is still there."),
    "TT013": ("Budget reached", "A new batch has its own; the month's is raised by an administrator, under Prices."),
    "TT011": ("Taken over", "Another worker has this conversation now; its result counts."),
    "TT014": ("Metadata not valid", "Nothing was changed. Write what fits the key, or take the key out."),
    "TT015": ("Schema changed", "Nothing was changed. Try again: it is then looked at by the schema as it is now."),
    "42501": ("No right", "Ask an administrator for a role that may do this."),
    "40P01": ("Busy", "Somebody changed the same rows at this moment. Nothing was changed: try again."),
    "40001": ("Busy", "Somebody changed the same rows at this moment. Nothing was changed: try again."),
    "55P03": ("Busy", "Somebody works on the same rows. Nothing was changed: try again."),
    "57014": ("Took too long", "Nothing was changed. Ask for less at once, or try again later."),
    "53100": ("Disk full", "Nothing was changed. Free space where the database keeps its files, then try again."),
    "53300": ("Server full", "It takes no more connections. Close a Traintui elsewhere, or raise max_connections."),
    "25006": ("Only for reading", "The server takes no changes at the moment. Nothing was changed: try again later."),
    "22P05": ("Text not storable", "It holds a character that PostgreSQL cannot keep, such as NUL. Take it out."),
    "22021": ("Text not storable", "It holds a character that PostgreSQL cannot keep, such as NUL. Take it out."),
}

CONSTRAINTS: dict[str, tuple[str, str, str]] = {
    "uq_review_logs_decision_key": ("TT010", "this key press was recorded for something else", "Press the key again."),
    "uq_review_logs_undoes": ("TT007", "this action was undone already", "Refresh to see how it stands."),
    "uq_generation_items_regenerated_at_once": (
        "TT003", "it is being written anew already", "Wait until that is here, or end its batch under Generate.",
    ),
    "uq_export_logs_export_id_state": ("TT003", "this export is on record already", "Start a new export."),
    "uq_export_logs_ended": ("TT003", "this export has ended already", "Start a new export."),
    "pk_audit_seal_parts": (
        "TT003", "a seal is gone of which the parts still stand: somebody took it away",
        "Look what else is not as it was: traintui audit verify. Nothing more is sealed until a backup brings it back.",
    ),
    "pk_export_rows": ("TT003", "a conversation is in this export already", "Start a new export."),
    "ck_vocabulary_value": (
        "TT009", "a value is made of lower-case letters, digits and underscores, and is not none",
        "Write it like anxious_planner; its label may hold anything.",
    ),
    "ck_vocabulary_dimension": (
        "TT009", "there is no such dimension", "Use persona, emotion, topic, intent, tone or tier.",
    ),
    "ck_vocabulary_colour": (
        "TT003", "there is no such colour",
        "Use red, orange, yellow, green, teal, blue, purple, grey, or a code such as #5fb3c8.",
    ),
    "ck_vocabulary_label": ("TT003", "a label has 1 to 80 characters, and not only blanks", "Give it a short name."),
    "ck_vocabulary_description": ("TT003", "a description has at most 500 characters", "Say it in fewer words."),
    "ck_vocabulary_merged_into": (
        "TT003", "a value that was merged stays inactive", "Use the value that it became.",
    ),
    "pk_vocabulary": ("TT003", "this value is there already", "Edit the one that is there, or choose another word."),
    "ck_conversations_tier": ("TT009", "there is no such tier", "Use template, scenario or edge_case."),
    "ck_conversations_metadata": ("TT003", "metadata is an object of at most 64 kB", "Leave out what is too long."),
    "ck_templates_name": (
        "TT003", "a template has a name of 1 to 80 characters without blanks around it", "Give it another name.",
    ),
    "ck_templates_user_prompt": ("TT003", "the user message of a template is empty", "Write what is asked for."),
    "ck_templates_size": ("TT003", "a template has at most 256 kB", "Leave out what is too long."),
    "ck_saved_views_name": ("TT003", "a view has a name of 1 to 80 characters", "Give it a shorter name, or any name."),
    "ck_saved_views_filter": ("TT003", "a filter has at most 4,000 characters", "Save a shorter one."),
    "ck_saved_views_columns": ("TT003", "the columns of a view take at most 16 kB", "Show fewer columns."),
    "ck_metadata_keys_key": (
        "TT014", "a key has 1 to 100 characters and no blank, colon, quote, <, > or =", "Write it like source_page.",
    ),
    "ck_metadata_keys_value_type": ("TT014", "there is no such type", "Use text, integer, number, boolean or date."),
    "ck_metadata_keys_label": ("TT014", "a label has 1 to 100 characters", "Write a shorter one."),
    "ck_metadata_keys_about": ("TT014", "what is said about a key has at most 500 characters", "Write less."),
    "ck_workspace_settings_metadata_schema": (
        "TT003", "a schema of metadata is an object of at most 64 kB", "Leave out what is too long.",
    ),
    "ck_coverage_targets_target": ("TT003", "a target is 0 to 1,000,000 conversations", "Write a smaller number."),
    "ck_coverage_targets_pair": (
        "TT003", "coverage is of two different dimensions, in their order", "Take persona and emotion, for example.",
    ),
    "ck_assignment_logs_filter": ("TT003", "a filter has at most 4,000 characters", "Assign what a shorter one names."),
    "ck_workspace_settings_monthly_budget_usd": (
        "TT003", "a month's budget is more than $0, and at most $100,000,000", "Give it as a number, or none.",
    ),
    "ck_workspace_settings_retention": (
        "TT003", "rows of a log are kept for 7 to 36,500 days", "Give whole days, or none to keep them for good.",
    ),
    "ck_workspace_settings_slow_query_ms": (
        "TT003", "a slow query takes 10 to 600,000 ms", "Give whole milliseconds, such as 500.",
    ),
    "ck_workspace_settings_rebuild_policy": (
        "TT003", "indexes are rebuilt below a density of 0.1 to 0.65 and from 1 MB on, in hours from 0 to 23",
        "Give density and megabytes as numbers, and both hours or none.",
    ),
    "ck_workspace_settings_alert_hook": (
        "TT003", "a hook is a command of 1 to 2,000 characters", "Put what is longer into a script, and name that.",
    ),
    "ck_workspace_settings_second_review": (
        "TT003", "a second review asks for 2 to 5 decisions on a share above 0 and up to 1", "Give both, or none.",
    ),
    "ck_model_prices_model": ("TT003", "a model has a name of 1 to 200 characters without blanks", "Write its id."),
    "ck_model_prices_rates": (
        "TT003", "a price is from $0 to $100,000 for a million tokens", "Write it as a number such as 2.50.",
    ),
    "ck_model_prices_long_prompt": (
        "TT003", "long prompts need a length above 0 and each of their prices", "Give all of them, or none.",
    ),
    "ck_model_prices_batch_factor": ("TT003", "batches pay a share from 0 to 1 of a price", "Write it like 0.5."),
    "ck_conversations_dimensions_unless_seed": (
        "TT009", "a planned conversation has a value in each dimension", "Give it one in each.",
    ),
}  # fmt: skip
"""Code, message and remedy for a constraint that a person can run into."""


_AWAY = (
    psycopg.OperationalError, psycopg.InterfaceError,
    psycopg.errors.IdleInTransactionSessionTimeout, psycopg.errors.TransactionTimeout,
)  # fmt: skip
_NOT_REACHED = ("08", "28", "3D", "57P", "25P03", "25P04")
"""How the codes begin with which a server ends a session, or does not begin one."""


def refusal(error: psycopg.Error) -> Refused | None:
    """The answer to an error of the database, or None when it is not a refusal but a fault."""
    code = error.sqlstate or ""
    if (known := CONSTRAINTS.get(error.diag.constraint_name or "")) is not None:
        code, message, remedy = known
        return Refused(ANSWERS[code][0], f"{sentence(message)}.", remedy, code=code)
    if code == NO_COLUMN:
        return went_back(error)
    if code == NO_ROOM:
        return no_room(error)
    if code not in ANSWERS:
        return None
    title, remedy = ANSWERS[code]
    said = (error.diag.message_primary or str(error)).strip()
    if error.diag.message_hint == DEMOTE and (named := re.match('"([^"]+)"', said)):
        remedy = f"Nothing was changed. Run {DEMOTE} {named[1]} first: all values stay."
    try:
        detail = json.loads(error.diag.message_detail or "{}")
    except ValueError:
        detail = {}
    return Refused(title, f"{sentence(said)}.", remedy, code=code, detail=detail)


def no_room(error: psycopg.Error) -> Refused:
    """The answer to a server that is full. Its words are in its own language; the name of a setting is not."""
    if "max_locks_per_transaction" in (error.diag.message_hint or ""):
        return Refused(
            "Server busy",
            "The server has no room for another lock: too much goes on in it at this moment.",
            "Nothing was changed, and what was done before stands. Try again in a moment; if it comes again,"
            " `traintui doctor` says what to set.",
            code=NO_ROOM,
        )
    return Refused(
        "Server out of memory",
        "The server has no memory left for this.",
        "Nothing was changed. Try again in a moment, or with less at once; who runs the server may give it more.",
        code=NO_ROOM,
    )


def went_back(error: psycopg.Error) -> Refused | None:
    """The answer to a statement that missed the column of a promoted key; None when it missed another."""
    from traintui.data.promotions import is_promoted

    if not any(is_promoted(name) for name in re.findall(r"\w+", error.diag.message_primary or "")):
        return None
    return Refused(
        "Schema changed",
        "A metadata key went back from its column meanwhile.",
        "Nothing was changed. The fields are read anew: try again in a moment, as meta.KEY.",
        code=NO_COLUMN,
    )


def lost_connection(error: BaseException) -> TraintuiError | None:
    """The answer to a database that does not answer, or that ended the session of who was frozen in a transaction for
    too long; None when the error is another."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.OperationalError) and "permission denied for database" in str(cause):
        return no_role()
    if isinstance(cause, _AWAY):
        said = reason(str(cause)) or type(cause).__name__
        answers = cause.sqlstate is not None and not cause.sqlstate.startswith(_NOT_REACHED)
        kind = TraintuiError if answers else NotReached
        return kind(
            "Database failed" if answers else "Database not reached",
            f"{said.removesuffix('.')}.",
            "What you did last may not be saved. Check the server and TRAINTUI_DATABASE_URL; then try again.",
        )
    return None


def reason(said: str) -> str:
    """What a driver says in one line; of a connection that failed the reason first, then where to. Where nobody listens
    at a socket the driver has only the words of the operating system."""
    if found := re.search(r"connection to server (?:on socket|at) (.+?) failed: ([^\n]+)", said):
        where, why = found[1].replace('"', ""), found[2].removeprefix("FATAL:").strip()
        if where.startswith("/") and why in {"No such file or directory", "Connection refused"}:
            return f"no server runs in {where.rpartition('/')[0]}"
        return f"{why} ({where})"
    return " ".join(said.split())


def no_role() -> TraintuiError:
    """The answer to a login that the server knows and the workspace does not."""
    return TraintuiError(
        "No right",
        "this login has no role in the workspace.",
        "Ask an administrator: traintui user add NAME --role ROLE.",
    )


@contextmanager
def answered() -> Iterator[None]:
    """Turns refusals and lost connections into `TraintuiError`; lets every other error pass."""
    try:
        yield
    except PoolTimeout as error:
        raise TraintuiError(
            "Busy", "every connection of this Traintui is in use.", "Nothing was changed. Try again in a moment."
        ) from error
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error) and (answer := refusal(cause)) is not None:
            raise answer from error
        if (lost := lost_connection(error)) is not None:
            raise lost from error
        raise
