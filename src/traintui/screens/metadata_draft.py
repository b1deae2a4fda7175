"""Changes of metadata that are not written yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from traintui.data.metadata_records import KnownKey, KnownKeys, MetadataKey
from traintui.data.metadata_values import checked_key, write_value
from traintui.errors import TraintuiError

JSON_NAMES: Mapping[type, str] = {
    str: "text", bool: "true/false", int: "number", float: "number", list: "list", dict: "object", type(None): "null",
}  # fmt: skip


class Fate(Enum):
    """What becomes of a key, with its mark and colour."""

    STAYS = (" ", "")
    NEW = ("+", "$success")
    CHANGED = ("✎", "$warning")
    REMOVED = ("✕", "$error")


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as the dialog lists it: its value, or in how many of all conversations it is (`rows`); in about so
    many where not all were looked at (`is_counted`)."""

    key: str
    value_type: str
    is_registered: bool
    label: str
    value: str
    rows: int | None
    is_counted: bool
    fate: Fate


class Draft:
    """The keys of one conversation, or those that are known among many, with what is to become of each."""

    def __init__(self, *, many: bool) -> None:
        self.many = many
        self.stored: dict[str, Any] = {}
        self.known: dict[str, KnownKey] = {}
        self.is_whole = False
        self.registered: dict[str, MetadataKey] = {}
        self.values: dict[str, Any] = {}
        self.removed: set[str] = set()

    def know(self, found: KnownKeys) -> None:
        """Takes the keys that occur among many."""
        self.known = {key.key: key for key in found.keys}
        self.is_whole = found.is_whole

    @property
    def pending(self) -> int:
        """How many keys are to change."""
        return len(self.values) + len(self.removed)

    def type_of(self, key: str) -> str | None:
        """The registered type of a key, if it has one."""
        return self.registered[key].value_type if key in self.registered else None

    def new_key(self, key: str) -> str:
        """A key that may be added. Raises `TraintuiError` for one that is there, or that no filter can ask for."""
        if key in self.stored or key in self.values:
            raise TraintuiError(
                "Key there already", f'"{key}" is there already.', "Leave with esc, and edit its row (enter)."
            )
        return checked_key(key)

    def put(self, key: str, value: Any) -> None:
        """A key is to have a value; one that it has already changes nothing."""
        self.removed.discard(key)
        same = key in self.stored and write_value(self.stored[key]) == write_value(value)
        if same:
            self.values.pop(key, None)
        else:
            self.values[key] = value

    def drop(self, key: str) -> None:
        """A key is to go; asked again, it stays after all."""
        is_new = self.values.pop(key, self) is not self and key not in self.stored and key not in self.known
        if key in self.removed:
            self.removed.discard(key)
        elif not is_new:
            self.removed.add(key)

    def forget(self) -> None:
        """All of it is written."""
        self.values.clear()
        self.removed.clear()

    def written(self, key: str) -> str:
        """The value that a key has or is to have, as somebody would write it; empty where there is none."""
        for values in (self.values, self.stored):
            if key in values:
                return write_value(values[key], self.type_of(key))
        return ""

    @property
    def entries(self) -> tuple[Entry, ...]:
        """All keys: registered ones in their order, then the others by name."""
        names = {*self.stored, *self.values}
        if self.many:
            names |= {*self.known, *self.registered}
        order = {key: place for place, key in enumerate(self.registered)}
        return tuple(self._entry(key) for key in sorted(names, key=lambda key: (order.get(key, len(order)), key)))

    def _entry(self, key: str) -> Entry:
        registered = self.registered.get(key)
        known = self.known.get(key)
        value = self.values.get(key, self.stored.get(key))
        fate = Fate.STAYS
        if key in self.removed:
            fate = Fate.REMOVED
        elif key in self.values:
            fate = Fate.CHANGED if key in self.stored or known else Fate.NEW
        kind = ""
        if registered:
            kind = str(registered.value_type)
        elif key in self.values or key in self.stored:
            kind = JSON_NAMES[type(value)]
        elif known:
            kind = ", ".join(known.types).replace("string", "text")
        rows = (known.rows_estimate if known else 0) if self.many else None
        label = registered.label if registered else ""
        return Entry(key, kind, registered is not None, label, self.written(key), rows, self.is_whole, fate)
