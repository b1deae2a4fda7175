"""What the database refuses, as answers to a person. The codes stand in the guards of the first migration."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from traintui.errors import TraintuiError


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
    "TT011": ("Taken over", "Another worker has this conversation now; its result counts."),
    "42501": ("No right", "Ask an administrator for a role that may do this."),
}


def refusal(error: psycopg.Error) -> Refused | None:
    """The answer to an error of the database, or None when it is not a refusal but a fault."""
    code = error.sqlstate or ""
    if code not in ANSWERS:
        return None
    title, remedy = ANSWERS[code]
    said = (error.diag.message_primary or str(error)).strip()
    try:
        detail = json.loads(error.diag.message_detail or "{}")
    except ValueError:
        detail = {}
    return Refused(title, f"{said[:1].upper()}{said[1:]}.", remedy, code=code, detail=detail)


def lost_connection(error: BaseException) -> TraintuiError | None:
    """The answer to a database that does not answer, or None when the error is another."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        said = " ".join(str(cause).split()) or type(cause).__name__
        return TraintuiError(
            "Database not reached",
            f"{said.removesuffix('.')}.",
            "What you did last may not be saved. Check the server and TRAINTUI_DATABASE_URL; then try again.",
        )
    return None


@contextmanager
def answered() -> Iterator[None]:
    """Turns refusals and lost connections into `TraintuiError`; lets every other error pass."""
    try:
        yield
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error) and (answer := refusal(cause)) is not None:
            raise answer from error
        if (lost := lost_connection(error)) is not None:
            raise lost from error
        raise
