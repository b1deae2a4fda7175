"""From the words that a model answers back to turns: a reply is exchanges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from traintui.generation.structured import InvalidReply


class Exchange(BaseModel):
    """One message of the member and the answer to it."""

    model_config = ConfigDict(extra="forbid")

    user: str = Field(description="The member's message.")
    assistant: str = Field(description="The assistant's answer to it.")


class Exchanges(BaseModel):
    """A reply: exchanges instead of turns, so that the roles alternate by construction."""

    model_config = ConfigDict(extra="forbid")

    exchanges: list[Exchange] = Field(min_length=1)


def _object(properties: dict[str, Any], title: str, description: str) -> dict[str, Any]:
    return {
        "type": "object",
        "title": title,
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


OUTPUT_SCHEMA: dict[str, Any] = {
    "$defs": {
        "Exchange": _object(
            {
                "user": {"type": "string", "title": "User", "description": "The member's message."},
                "assistant": {"type": "string", "title": "Assistant", "description": "The assistant's answer to it."},
            },
            "Exchange",
            "One message of the member and the answer to it.",
        )
    },
    **_object(
        {
            "exchanges": {
                "type": "array",
                "title": "Exchanges",
                "minItems": 1,
                "items": {"$ref": "#/$defs/Exchange"},
            }
        },
        "Exchanges",
        "A reply: exchanges instead of turns, so that the roles alternate by construction.",
    ),
}
"""What `anthropic.transform_schema(Exchanges)` returns; written out because importing it would cost two seconds."""


@dataclass(frozen=True, slots=True)
class DraftTurn:
    """A turn before it is stored."""

    role: Literal["user", "assistant"]
    content: str


def turns_of(value: Any, *, exchanges: int | None = None) -> tuple[DraftTurn, ...]:
    """The turns of a reply, which alternate and begin with the user; blanks around a message are removed.

    Raises `InvalidReply` for anything but non-empty exchanges, for text that PostgreSQL cannot store, and, when
    `exchanges` is given, for another number of them. The API enforces neither lengths nor counts of a schema.
    """
    try:
        reply = Exchanges.model_validate(value)
    except ValidationError as error:
        raise InvalidReply(_why(error)) from error
    if exchanges is not None and len(reply.exchanges) != exchanges:
        raise InvalidReply(f"The plan asks for {exchanges} exchanges, and the reply has {len(reply.exchanges)}.")
    return tuple(_turns(reply))


def _turns(reply: Exchanges) -> Iterator[DraftTurn]:
    roles: tuple[Literal["user", "assistant"], ...] = ("user", "assistant")
    for number, exchange in enumerate(reply.exchanges, start=1):
        for role in roles:
            content = getattr(exchange, role).strip()
            if not content:
                raise InvalidReply(f"Exchange {number} has an empty {role} message.")
            if "\0" in content:
                raise InvalidReply(f"Exchange {number} has a NUL character in its {role} message.")
            yield DraftTurn(role, content)


def _why(error: ValidationError) -> str:
    """One sentence about the first thing that is wrong, without the text itself."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = first["loc"]
    if not place or place == ("exchanges",):
        return "The reply is not an object with a list of exchanges that has at least one."
    if place[0] != "exchanges":
        return f"The reply has {place[0]!r} where only exchanges may be."
    number = int(place[1]) + 1
    if first["type"] == "missing":
        return f"Exchange {number} has no {place[2]} message."
    return f"Exchange {number} is not a user message and an assistant message, both text."
