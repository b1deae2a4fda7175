"""A login for each person, with one role, and never a password that anybody can read."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from support import Conninfo, eventually, logged_in
from traintui.data import users
from traintui.data.embedded import SUPERUSER, EmbeddedServer
from traintui.data.users import User
from traintui.errors import TraintuiError

pytestmark = pytest.mark.xdist_group("people")  # logins belong to the server, not to a test's database


@pytest.fixture(autouse=True)
def _no_login_stays(server: EmbeddedServer) -> Iterator[None]:
    """What other tests of this process count are the people of the fixture."""
    with psycopg.connect(server.conninfo(SUPERUSER, "postgres"), autocommit=True) as connection:
        logins = "SELECT rolname FROM pg_roles WHERE rolcanlogin"
        before = set(connection.execute(logins))
        yield
        for (name,) in set(connection.execute(logins)) - before:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def role_of(conninfo: str, name: str) -> str | None:
    return next((user.role for user in users.list_users(conninfo) if user.name == name), None)


async def test_a_new_person_gets_one_role_and_can_work(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    assert users.add_user(superuser, "nora.new-1@example", "auditor", with_password=False) is None
    assert User("nora.new-1@example", "auditor", True) in users.list_users(superuser)
    async with logged_in(conninfo("nora.new-1@example")) as db:
        assert (db.login, db.role) == ("nora.new-1@example", "auditor")


async def test_a_new_role_takes_the_place_of_the_old_one(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    for role in ("admin", "reviewer", "author", "auditor"):
        users.add_user(superuser, "nina", role, with_password=False)
        assert role_of(superuser, "nina") == role
        async with logged_in(conninfo("nina")) as db:
            assert db.role == role


async def test_a_disabled_person_is_out_at_once_and_stays_in_the_list(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    users.add_user(superuser, "norbert", "reviewer", with_password=False)
    with psycopg.connect(conninfo("norbert"), autocommit=True) as session:
        users.disable_user(superuser, "norbert")

        async def ended() -> bool:
            try:
                session.execute("SELECT 1")
            except psycopg.OperationalError:
                return True
            return False

        await eventually(ended)
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        psycopg.connect(conninfo("norbert"))
    assert User("norbert", "reviewer", False) in users.list_users(superuser)
    users.add_user(superuser, "norbert", "auditor", with_password=False)
    assert User("norbert", "auditor", True) in users.list_users(superuser)


def test_a_password_is_given_once_and_kept_as_a_scram_verifier(conninfo: Conninfo) -> None:
    superuser = conninfo(SUPERUSER)
    password = users.add_user(superuser, "nadia", "reviewer", with_password=True)
    assert password is not None and len(password) >= 20
    with psycopg.connect(superuser) as connection:
        row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'nadia'").fetchone()
    assert row is not None and row[0].startswith("SCRAM-SHA-256$") and password not in row[0]
    assert users.add_user(superuser, "nadia", "author", with_password=True) is None
    with psycopg.connect(superuser) as connection:
        kept = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'nadia'").fetchone()
    assert kept == row


@pytest.mark.parametrize(
    "name",
    ["postgres", "pg_monitor", "traintui_admin", "traintui", "public", "none", "", "Upper", "1st", "a b", "a'b", "a;b",
     "x" * 64, "ünal", SUPERUSER],
)  # fmt: skip
def test_a_name_that_cannot_be_a_login_is_refused(conninfo: Conninfo, name: str) -> None:
    with pytest.raises(TraintuiError, match="cannot be a login"):
        users.add_user(conninfo(SUPERUSER), name, "reviewer", with_password=False)


def test_a_superuser_of_the_server_is_nobodys_login(conninfo: Conninfo) -> None:
    with psycopg.connect(conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE ROLE dba SUPERUSER LOGIN")
    with pytest.raises(TraintuiError, match="superuser"):
        users.add_user(conninfo(SUPERUSER), "dba", "reviewer", with_password=False)
    assert role_of(conninfo(SUPERUSER), "dba") is None


def test_those_who_may_not_are_told_who_can(conninfo: Conninfo) -> None:
    with pytest.raises(TraintuiError) as refused:
        users.add_user(conninfo("ada"), "nils", "reviewer", with_password=False)
    assert refused.value.remedy.startswith("Have a superuser run: CREATE ROLE")
    with pytest.raises(TraintuiError, match="may not change others"):
        users.disable_user(conninfo("ada"), "ron")
    with pytest.raises(TraintuiError, match="has no role here"):
        users.disable_user(conninfo("ada"), "nobody")


def test_everybody_with_a_role_is_listed_with_the_strongest(conninfo: Conninfo) -> None:
    listed = {user.name: user.role for user in users.list_users(conninfo("audrey"))}
    assert {"ada": "admin", "arthur": "author", "rita": "reviewer", "audrey": "auditor"}.items() <= listed.items()
    assert not any(name.startswith("traintui_") for name in listed)


@pytest.mark.parametrize(
    ("system", "login"), [("ann", "ann"), ("Ann Lee", "ann_lee"), ("postgres", "user_postgres"), ("7of9", "user_7of9")]
)
def test_the_login_of_the_embedded_server_follows_the_system(
    monkeypatch: pytest.MonkeyPatch, system: str, login: str
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: system)
    assert users.own_login() == login
    assert users.checked_name(login) == login
