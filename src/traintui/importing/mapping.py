"""A mapping: a small TOML file that says where conversations are in files of another shape.

```toml
records = "data.threads"      # where the list of conversations is; `*` stands for every one; nothing: the file is it
group = "thread_id"           # of a table with a row for each turn: the column that is alike in one conversation

[turns]
list = "chat_messages"        # in a record; left out with `group`, or where [[turn]] names the columns
role = "sender"
content = "body.text"         # dots lead inside; of a list, its texts are joined
train = "use"                 # true and false, or 1 and 0

[[turn]]                      # a row for each conversation: a column for each turn, in their order
role = "user"
content = "question"

[roles]
visitor = "user"
agent = "assistant"
note = "skip"                 # such messages are left out

[fields]
system_prompt = "setup.instructions"
topic = "labels.topic"        # dimensions too

[values.topic]
"Retirement (401k)" = "retirement"
```
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from traintui.errors import TraintuiError
from traintui.importing.conversations import DIMENSIONS, Refused, brief
from traintui.importing.files import decode, read_bytes, shown
from traintui.importing.json_documents import EVERY

MOST_BYTES = 1_000_000
FIELDS = ("system_prompt", *DIMENSIONS)
_ROLES = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "gpt": "assistant", "model": "assistant", "bot": "assistant",
}  # fmt: skip

Target = Literal["system", "user", "assistant", "skip"]
_OURS = frozenset({"role", "from", "content", "value", "weight", "train"})
_STRICT = ConfigDict(extra="forbid", frozen=True)


class Turns(BaseModel):
    """Where the turns of a record are, and what of them is which."""

    model_config = _STRICT

    list: str = ""
    role: str = "role"
    content: str = "content"
    train: str | None = None

    @property
    def keys(self) -> frozenset[str]:
        """The keys of a message that it reads."""
        return frozenset(way.split(".")[0] for way in (self.role, self.content, self.train) if way)


class Column(BaseModel):
    """One turn of a record that has a key for each."""

    model_config = _STRICT

    role: Literal["user", "assistant"]
    content: str


class Mapping(BaseModel):
    """What a mapping file says; `message_records` turns a record of its shape into one with `messages`."""

    model_config = _STRICT

    records: str = ""
    group: str | None = None
    turns: Turns = Turns()
    turn: tuple[Column, ...] = ()
    roles: dict[str, Target] = Field(default_factory=dict)
    fields: dict[Literal["system_prompt", "persona", "emotion", "topic", "intent", "tone", "tier"], str] = Field(
        default_factory=dict
    )
    values: dict[Literal["persona", "emotion", "topic", "intent", "tone", "tier"], dict[str, str]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _one_way(self) -> Mapping:
        ways = [bool(self.turns.list), self.group is not None, bool(self.turn)]
        if sum(ways) > 1:
            raise ValueError("turns.list, group and [[turn]] are three ways to say where turns are; give one")
        return self

    @property
    def moves_turns(self) -> bool:
        """Whether it says where turns are; else records are read as one of the known formats."""
        return bool(self.turns.list or self.group is not None or self.turn)

    @property
    def steps(self) -> tuple[str, ...]:
        """The way to the records inside a JSON document."""
        return tuple(self.records.split(".")) if self.records else ()

    def mapped(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record as OpenAI's `messages`, with the fields under their own names and all other keys as they are.

        Raises `Refused` where a place that it names does not hold what it should.
        """
        found: dict[str, Any] = {name: self._text(record, name, way) for name, way in self.fields.items()}
        used = list(self.fields.values())
        if self.moves_turns:
            found["messages"] = self._by_columns(record) if self.turn else self._from_list(record)
            used += [column.content for column in self.turn] or [self.turns.list or GROUPED]
        for way in used:
            record = without(record, way)
        return record | {name: value for name, value in found.items() if value is not None}

    def value_of(self, dimension: str, value: str) -> str:
        """What a value of the file is called here."""
        return self.values.get(dimension, {}).get(value, value)  # type: ignore[call-overload, no-any-return]

    def _text(self, record: dict[str, Any], name: str, way: str) -> str | None:
        value = at(record, way)
        if value is None or value == "":
            return None
        if isinstance(value, str):
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused("field not text", f"“{way}”, which gives the {name}, is {brief(value)} and no text.")
        return str(value)

    def _from_list(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        way = self.turns.list or GROUPED
        given = at(record, way)
        if isinstance(given, dict):
            given = list(given.values())
        if not isinstance(given, list):
            raise Refused("no turns", f"The record has no list “{way}”.")
        messages = [self._message(number, message) for number, message in enumerate(given, 1)]
        return [message for message in messages if message is not None]

    def _message(self, number: int, message: Any) -> dict[str, Any] | None:
        if not isinstance(message, dict):
            raise Refused("message not an object", f"Message {number} is not an object in curly brackets.")
        given = at(message, self.turns.role)
        role = self.roles.get(str(given)) or (_ROLES.get(given.lower()) if isinstance(given, str) else None)
        if role is None:
            raise Refused(
                "unknown role",
                f"Message {number} has “{self.turns.role}” {brief(given)}; say in [roles] what that is.",
            )
        if role == "skip":
            return None
        content = joined(at(message, self.turns.content))
        if content is None:
            raise Refused("content not text", f"The “{self.turns.content}” of message {number} is not text.")
        # What else a message has goes along, to be told as left out.
        read = {key: value for key, value in message.items() if key not in self.turns.keys and key not in _OURS}
        read |= {"role": role, "content": content}
        if self.turns.train is not None and role == "assistant":
            read["train"] = at(message, self.turns.train)
        return read

    def _by_columns(self, record: dict[str, Any]) -> list[dict[str, Any]]:
        messages = []
        for column in self.turn:
            content = joined(at(record, column.content))
            if content is None or not content.strip():
                continue  # a conversation may be shorter than the longest one
            messages.append({"role": column.role, "content": content})
        return messages


GROUPED = "turns"
"""The key of the rows of one conversation, where a table has a row for each turn."""


def at(record: Any, way: str) -> Any:
    """What stands at the end of a way of keys with dots between; a key that holds dots itself goes first.

    `*` stands for all elements, whose values come as a list. None where there is nothing.
    """
    if isinstance(record, dict) and way in record:
        return record[way]
    step, _, rest = way.partition(".")
    if step == EVERY and isinstance(record, list | dict):
        inner = record.values() if isinstance(record, dict) else record
        return [value if not rest else at(value, rest) for value in inner]
    if isinstance(record, list) and step.isdecimal() and len(step) < 6:
        value = record[int(step)] if int(step) < len(record) else None
    elif isinstance(record, dict):
        value = record.get(step)
    else:
        return None
    return at(value, rest) if rest and value is not None else value


def without(record: dict[str, Any], way: str) -> dict[str, Any]:
    """The record without what stands at the end of a way; an object that is empty then goes too."""
    if way in record:
        return {key: value for key, value in record.items() if key != way}
    step, _, rest = way.partition(".")
    inner = record.get(step)
    if not isinstance(inner, dict):
        return record
    left = without(inner, rest)
    return {key: left if key == step else value for key, value in record.items() if key != step or left}


def joined(value: Any) -> str | None:
    """A text, or the texts of a list of parts with an empty line between; None if it is neither."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and value:
        parts = [part.get("text") if isinstance(part, dict) else part for part in value]
        if all(isinstance(part, str) for part in parts):
            return "\n\n".join(part for part in parts if part)
    return None


def read_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises TraintuiError with the place of the first mistake."""
    try:
        return mapping_of(tomllib.loads(decode(path, read_bytes(path, limit=MOST_BYTES))))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise _mistake(path, f"it is not valid TOML ({error})") from error
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise _mistake(path, f"{place}: {said}" if place else said) from error


def mapping_of(given: dict[str, Any]) -> Mapping:
    """The mapping that tables say. Raises pydantic's `ValidationError`."""
    return Mapping.model_validate(given)


def _mistake(path: Path, what: str) -> TraintuiError:
    return TraintuiError(
        "Mapping not read",
        f"{shown(path)}: {what}.",
        "The guide shows a mapping with all it may say. Nothing was stored.",
    )
