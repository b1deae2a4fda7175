"""All commands, and how a place finds its own."""

from __future__ import annotations

from functools import cache

from textual.actions import parse
from textual.binding import BindingType

from traintui.commands import dialogs, rows, screens
from traintui.commands.command import Command

COMMANDS: tuple[Command, ...] = (*screens.COMMANDS, *rows.COMMANDS, *dialogs.COMMANDS)
PLACES: dict[str, str] = {**screens.PLACES, **rows.PLACES, **dialogs.PLACES}
"""What each place is called in the help."""


@cache
def of(where: str) -> tuple[Command, ...]:
    """The commands of a place, in order."""
    return tuple(command for command in COMMANDS if command.where == where)


def bindings(where: str) -> list[BindingType]:
    """`BINDINGS` of a screen, widget or dialog."""
    return [command.binding for command in of(where) if command.keys]


@cache
def has(where: str, action: str) -> bool:
    """Whether a place has a command with this action."""
    return any(parse(command.action)[1] == action for command in of(where))


@cache
def role_for(where: str, action: str) -> str:
    """The role that an action of a place needs; empty when everybody may."""
    return next((command.role for command in of(where) if parse(command.action)[1] == action), "")
