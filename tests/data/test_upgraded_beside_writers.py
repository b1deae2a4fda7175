"""Whoever writes while the schema is upgraded notices nothing: no write fails, and none is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from uuid import uuid4

import psycopg
import pytest

from restoring import REVISIONS, restore_as_it_was
from traintui.data import schema, schema_check
from traintui.data.embedded import SUPERUSER, EmbeddedServer

NAME = "test_beside_writers"
WRITERS = ("ada", "rita", "ron")


@pytest.fixture
def old(server: EmbeddedServer) -> Iterator[EmbeddedServer]:
    """A server with a workspace of the first revision."""
    restore_as_it_was(server, NAME, REVISIONS[0])
    yield server
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())


class Writer(threading.Thread):
    """Somebody who sets and takes away the flag of a conversation, again and again, until it is stopped."""

    def __init__(self, conninfo: str, conversation_id: str) -> None:
        super().__init__(daemon=True)
        self._conninfo, self._conversation_id = conninfo, conversation_id
        self._stopped, self.began = threading.Event(), threading.Event()
        self.written = 0
        self.failures: list[str] = []

    def run(self) -> None:
        with psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None) as connection:
            while not self._stopped.is_set():
                try:
                    connection.execute(
                        "SELECT set_flag(%s, %s, %s)", [self._conversation_id, self.written % 2 == 0, uuid4().hex]
                    )
                except psycopg.Error as error:
                    self.failures.append(str(error))
                    return
                self.written += 1
                self.began.set()

    def stop(self) -> None:
        """Lets it end what it does."""
        self._stopped.set()
        self.join()


def test_nobody_who_writes_fails_or_loses_a_write_while_every_revision_is_applied(old: EmbeddedServer) -> None:
    superuser = old.conninfo(SUPERUSER, NAME)
    with psycopg.connect(superuser) as connection:
        found = connection.execute(
            "SELECT conversation_id FROM conversations WHERE turn_count > 0 ORDER BY id"
        ).fetchall()
        (before,) = connection.execute("SELECT count(*) FROM review_logs").fetchone() or (0,)
    writers = [Writer(old.conninfo(login, NAME), name) for login, (name,) in zip(WRITERS, found, strict=False)]
    with ExitStack() as stack:
        for writer in writers:
            writer.start()
            stack.callback(writer.stop)
            assert writer.began.wait(60)
        schema.upgrade(superuser)
    assert [writer.failures for writer in writers] == [[]] * len(WRITERS)
    with psycopg.connect(superuser) as connection:
        (after,) = connection.execute("SELECT count(*) FROM review_logs").fetchone() or (0,)
    assert after - before == sum(writer.written for writer in writers) > len(WRITERS)
    assert schema.current_revision(superuser) == schema.HEAD and schema_check.check(superuser) == ()
