"""`traintui user`: who may do what."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from traintui.cli.running import Json, administrative, say
from traintui.errors import TraintuiError
from traintui.settings import load_settings

user_app = typer.Typer(help="Who may do what.", no_args_is_help=True)


class RoleName(StrEnum):
    """The roles that a person can have."""

    reviewer = "reviewer"
    author = "author"
    auditor = "auditor"
    admin = "admin"


@user_app.command("add")
def add_user(name: str, role: Annotated[RoleName, typer.Option(help="What they may do.")]) -> None:
    """Make a login, or give one another role."""
    from traintui.data import users

    refuse_own_login(name, "change")
    with administrative() as conninfo:
        password = users.add_user(conninfo, name, role.value, with_password=not load_settings().embedded)
    print(f"{name} is {'an' if role.value[0] == 'a' else 'a'} {role.value}")
    if password:
        say(f"Password, shown this once: {password}")


def refuse_own_login(name: str, what: str) -> None:
    """Raises `TraintuiError` for the login of who runs an embedded server, which is its administrator."""
    from traintui.data import users

    if load_settings().embedded and name == users.own_login():
        raise TraintuiError(
            "Own login",
            f"{name} runs this embedded workspace and administers it, so nobody can {what} that login.",
            "Use a shared server where roles must bind everybody: see docs/operations.md.",
        )


@user_app.command("list")
def list_users(json_: Json = False) -> None:
    """Everybody with a role."""
    from traintui.data import users

    with administrative() as conninfo:
        people = users.list_users(conninfo)
    if json_:
        print(json.dumps({"users": [{"name": p.name, "role": p.role, "active": p.active} for p in people]}))
        return
    for person in people:
        print(f"{person.name:24}{person.role:12}{'' if person.active else 'disabled'}".rstrip())


@user_app.command("disable")
def disable_user(name: str) -> None:
    """Shut a login out. It stays on record: the logs name it."""
    from traintui.data import users

    refuse_own_login(name, "shut out")
    with administrative() as conninfo:
        users.disable_user(conninfo, name)
    print(f"{name} is disabled")
