"""Conditions of SQL, as the type checker knows them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, or_
from sqlalchemy.sql.elements import SQLCoreOperations

Condition = ColumnElement[bool]


def bool_of(condition: SQLCoreOperations[bool]) -> Condition:
    """The same, as a condition."""
    result: Condition = condition  # type: ignore[assignment]
    return result


def in_or_absent(among: Condition | None, absent: Condition | None) -> Condition:
    """One of the values that are named, or none at all."""
    return or_(*(condition for condition in (among, absent) if condition is not None))
