"""An upgrade whose process is killed leaves whole revisions, and the next one goes on behind them."""

from __future__ import annotations

import subprocess
import sys
import time

import psycopg

from data.test_upgrading import NUMBERS, ask
from support import Conninfo
from traintui.data import schema, schema_check
from traintui.data.embedded import SUPERUSER

UPGRADE = (
    "import sys; from traintui.data import schema;"
    "schema.upgrade(sys.argv[1], progress=lambda word: print(word, flush=True))"
)
KILLED_AT = ("0001", "0018", "0037", "0050")


def begun(conninfo: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", UPGRADE, conninfo], stdout=subprocess.PIPE, text=True)


def kill(child: subprocess.Popen[str]) -> None:
    child.kill()
    child.communicate()


def test_an_upgrade_that_is_killed_again_and_again_comes_to_the_same_end(empty: str) -> None:
    for number in KILLED_AT:
        with begun(empty) as child:
            assert child.stdout is not None
            while (word := child.stdout.readline()) and not word.startswith(f"Applied {number}"):
                pass
            kill(child)  # it is said inside of the transaction: the revision may be there or not
        assert word, "it ended before"
        before = ("0000", *NUMBERS)[NUMBERS.index(number)]
        assert (schema.current_revision(empty) or "0000") >= before
    schema.upgrade(empty)
    assert schema_check.check(empty) == () and schema.unfilled(empty) == []


def test_an_upgrade_that_is_killed_while_it_waits_in_a_revision_leaves_that_undone_and_nothing_locked(
    conninfo: Conninfo,
) -> None:
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0033")
    before = schema_check.objects(superuser)
    with psycopg.connect(conninfo("rita")) as holder, begun(superuser) as child:
        holder.execute("SELECT FROM import_items LIMIT 1")
        waits_for(superuser, "relation")
        kill(child)
    schema.upgrade(superuser, "0033")  # waits until the server has noticed, and finds nothing to do
    assert schema_check.objects(superuser) == before
    schema.upgrade(superuser)
    assert schema_check.check(superuser) == ()


def test_an_upgrade_that_is_killed_while_an_index_is_built_beside_the_writing_is_made_good(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    schema.downgrade(superuser, "0036")
    with psycopg.connect(conninfo("rita")) as holder, begun(superuser) as child:
        holder.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        holder.execute("SELECT count(*) FROM review_logs")
        waits_for(superuser, "virtualxid")
        kill(child)
    assert schema.current_revision(superuser) == "0036"
    schema.upgrade(superuser)
    assert schema_check.check(superuser) == ()


def waits_for(conninfo: str, kind: str) -> None:
    """Returns once somebody waits for a lock of that kind in the database."""
    until = time.monotonic() + 60
    waiting = (
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid)"
        f" WHERE NOT granted AND locktype = '{kind}' AND datname = current_database()"
    )
    while ask(conninfo, waiting) == [(0,)]:
        assert time.monotonic() < until, "nobody waits"
        time.sleep(0.01)
