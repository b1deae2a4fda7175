"""People: one login of the database each. The server's groups are the roles."""

from __future__ import annotations

import getpass
import re
import secrets
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from traintui.errors import TraintuiError

Role = Literal["reviewer", "author", "auditor", "admin"]
ROLES: tuple[Role, ...] = ("reviewer", "author", "auditor", "admin")
LOGIN = re.compile(r"[a-z_][a-z0-9_.@-]{0,62}")


@dataclass(frozen=True, slots=True)
class User:
    """A login with a role of ours. `active` is false once it was disabled; it is never dropped: the logs name it."""

    name: str
    role: str
    active: bool


def own_login() -> str:
    """The login of the operating system's user, as the embedded server knows it."""
    name = re.sub(r"[^a-z0-9_.@-]", "_", getpass.getuser().lower())
    return name if LOGIN.fullmatch(name) and not reserved(name) else f"user_{name}"[:63]


def reserved(name: str) -> bool:
    """Whether the server or Traintui keeps a name for itself."""
    return name.startswith(("pg_", "traintui_")) or name in {"public", "none", "postgres", "traintui"}


def checked_name(name: str) -> str:
    """The name, if it can be a login. Raises `TraintuiError` otherwise."""
    if LOGIN.fullmatch(name) and not reserved(name):
        return name
    raise TraintuiError(
        "Not a user name",
        f'"{name}" cannot be a login.',
        "Use lower-case letters, digits, and _ . @ -, beginning with a letter; not pg_ or traintui_.",
    )


def add_user(conninfo: str, name: str, role: Role, *, with_password: bool) -> str | None:
    """Makes a login, or gives an existing one the role instead of its old one and lets it in again.

    Returns a new password to hand over once, if one was asked for and the login is new; it is stored only as a SCRAM
    verifier. Raises `TraintuiError` when this login may not make others.
    """
    checked_name(name)
    login, group = sql.Identifier(name), sql.Identifier(f"traintui_{role}")
    password = None
    try:
        with psycopg.connect(conninfo) as connection:
            known = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = %s", [name]).fetchone()
            if known is not None and known[0]:
                raise TraintuiError(
                    "User not added",
                    f'"{name}" is a superuser of the server, to whom no rule of the workspace applies.',
                    "Give the person a login of their own under another name.",
                )
            if known is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(login))
                if with_password:
                    password = secrets.token_urlsafe(18)
                    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
                    connection.execute(
                        sql.SQL("ALTER ROLE {} PASSWORD {}").format(login, sql.Literal(verifier.decode()))
                    )
            connection.execute(sql.SQL("ALTER ROLE {} LOGIN").format(login))
            for other in ROLES:
                if other != role:
                    connection.execute(sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(f"traintui_{other}"), login))
            connection.execute(sql.SQL("GRANT {} TO {}").format(group, login))
    except psycopg.errors.InsufficientPrivilege as error:
        raise TraintuiError(
            "User not added",
            "this login may not make others on the server.",
            f'Have a superuser run: CREATE ROLE "{name}" LOGIN; GRANT traintui_{role} TO "{name}";',
        ) from error
    except psycopg.errors.UndefinedObject as error:
        raise TraintuiError(
            "User not added",
            "the roles of Traintui are not on this server.",
            "Have a superuser run what `traintui db roles` prints.",
        ) from error
    return password


def disable_user(conninfo: str, name: str) -> None:
    """Shuts a login out and ends its sessions. Raises `TraintuiError` when there is none or one may not."""
    if name not in {user.name for user in list_users(conninfo)}:
        raise TraintuiError("User not found", f'"{name}" has no role here.', "See `traintui user list`.")
    try:
        with psycopg.connect(conninfo) as connection:
            connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
            connection.commit()  # first the door, then those inside: nobody comes back meanwhile
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()",
                [name],
            )
    except psycopg.errors.InsufficientPrivilege as error:
        raise TraintuiError(
            "User not disabled",
            "this login may not change others on the server.",
            f'Have a superuser run: ALTER ROLE "{name}" NOLOGIN;',
        ) from error


def list_users(conninfo: str) -> list[User]:
    """Everybody with a role, by name; the strongest role of each."""
    with psycopg.connect(conninfo) as connection:
        rows = connection.execute(
            """
            SELECT member.rolname, member.rolcanlogin,
                   (array_agg(substr(role.rolname, 10) ORDER BY array_position(%s, role.rolname::text)))[1]
            FROM pg_auth_members AS m
            JOIN pg_roles AS role ON role.oid = m.roleid
            JOIN pg_roles AS member ON member.oid = m.member
            WHERE role.rolname = ANY(%s) AND left(member.rolname, 9) <> 'traintui_'
            GROUP BY member.rolname, member.rolcanlogin ORDER BY member.rolname
            """,
            [[f"traintui_{role}" for role in ("admin", "author", "reviewer", "auditor")],
             [f"traintui_{role}" for role in ROLES]],
        ).fetchall()  # fmt: skip
    return [User(name=str(name), active=bool(active), role=str(role)) for name, active, role in rows]
