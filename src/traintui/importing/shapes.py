"""The shapes that training files have: how each is recognised, and a record of it as a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from traintui.importing.conversations import (
    DIMENSIONS,
    Format,
    ImportedConversation,
    OwnRecord,
    Refused,
    Transcript,
    brief,
)

Record = dict[str, Any]
Ignored = dict[str, None]
"""Keys inside messages that have no place in a turn, in the order in which they were met."""

OWN_VERSIONS = (1, 2)
"""Of our own format, those that can be read, the one that is written last."""
MOST_IGNORED = 20
MOST_ID = 200
_CALLS = ("tool_calls", "function_call")
_PREFERENCES = (("chosen", "rejected"), ("preferred_output", "non_preferred_output"))
_LABELS = (("label", ("prompt", "completion")), ("kto_tag", ("conversations",)))
"""Keys that say whether an answer is as it should be, and what stands beside them (KTO, of TRL and LLaMA-Factory)."""
_ROLES: dict[str, Literal["system", "user", "assistant"]] = {
    "system": "system", "developer": "system", "human": "user", "user": "user", "gpt": "assistant",
    "assistant": "assistant",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shape:
    """One format: its name, the keys that tell it, what they look like, and its reader.

    The reader takes what is its own out of the record; what it leaves there is metadata.
    """

    name: Format
    keys: tuple[str, ...]
    seen: str
    tells: Callable[[Record], bool]
    read: Callable[[Record, Ignored], Transcript]


def recognised(record: Record) -> Shape | None:
    """The shape of a record; None if it has none that is known. Raises `Refused` for what is no conversation at all."""
    _refuse_labelled(record)
    for shape in SHAPES.values():
        if shape.tells(record):
            return shape
    for pair in _PREFERENCES:
        if all(key in record for key in pair):
            raise Refused(
                "preference data",
                f"The record compares “{pair[0]}” with “{pair[1]}”: preference data is exported, never imported.",
            )
    return None


def _refuse_labelled(record: Record) -> None:
    """An answer that is labelled as bad would come in as one that is as good as any."""
    for label, beside in _LABELS:
        if isinstance(record.get(label), bool) and all(key in record for key in beside):
            raise Refused(
                "preference data",
                f"“{label}” says whether the answer is good: preference data is exported, never imported.",
            )


def conversation_of(line: int, record: Record, shape: Shape, ignored: Ignored) -> ImportedConversation:
    """The conversation in a record of a shape. Raises `Refused` with the first rule that it breaks."""
    if not all(key in record for key in shape.keys):
        other = recognised(record)
        hint = f"; it looks like {other.name}" if other else ""
        keys = " and ".join(f"“{key}”" for key in shape.keys)
        raise Refused("another shape", f"The record has no {keys}, as {shape.name} has{hint}.")
    _refuse_labelled(record)
    rest = dict(record)
    transcript = shape.read(rest, ignored)
    turns, dimensions = transcript.whole(), _dimensions(rest)
    if shape.name == "traintui":
        metadata = rest.pop("metadata", None) or {}
        if not isinstance(metadata, dict):
            raise Refused("metadata not an object", f"“metadata” is {brief(metadata)}, and should be an object.")
        return ImportedConversation(line, transcript.system, turns, metadata, dimensions, _own(rest))
    return ImportedConversation(line, transcript.system, turns, _metadata(rest), dimensions)


# Messages -------------------------------------------------------------------------------------------------------------


def _messages(key: str, record: Record, ignored: Ignored, transcript: Transcript, *, trained: bool = True) -> None:
    """Adds the messages of a list to a transcript."""
    messages = record.pop(key)
    if not isinstance(messages, list):
        raise Refused("no messages", f"“{key}” is {brief(messages)}, and should be a list of messages.")
    for number, message in enumerate(messages, 1):
        place = f"Message {number}" if key != "completion" else f"Message {number} of the completion"
        role, content = _message(place, message)
        # A weight of a user's message says nothing, except in our own format, which has it for every turn.
        told = role == "assistant" or key == "turns"
        train = trained or role == "user"
        if len(message) > 2:
            _note_ignored(message, ignored, weighted=told)
            train = train and (not told or role == "system" or _is_trained(place, message))
        if role == "system":
            transcript.begin(place, content)
        else:
            transcript.add(place, role, content, train=train)


def _message(place: str, message: Any) -> tuple[Literal["system", "user", "assistant"], str]:
    if not isinstance(message, dict):
        raise Refused("message not an object", f"{place} is not an object in curly brackets.")
    role_key = "role" if "role" in message or "from" not in message else "from"
    text_key = "content" if "content" in message or "value" not in message else "value"
    given = message.get(role_key)
    role = _ROLES.get(given) if isinstance(given, str) else None
    if role is None:
        known = ", ".join(_ROLES)
        raise Refused("unknown role", f"{place} has “{role_key}” {brief(given)}; known are {known}.")
    # Most have a role and a text, and nothing else to look at.
    if (len(message) > 2 or text_key not in message) and any(message.get(key) for key in _CALLS):
        raise Refused("tool calls", f"{place} calls a tool, and a turn can only hold text.")
    content = message.get(text_key)
    if not isinstance(content, str):
        raise Refused("content not text", f"The “{text_key}” of {place[0].lower()}{place[1:]} is not text.")
    return role, content


def _is_trained(place: str, message: Record) -> bool:
    """What `weight` (OpenAI, Together, Mistral: 0 or 1) or `train` (Axolotl: true or false) says."""
    for key in ("weight", "train"):
        given = message.get(key)
        if given is None or given == "":
            continue
        if isinstance(given, str) and given.lower() in _SAID:
            return _SAID[given.lower()]
        if not isinstance(given, int | float) or given not in (0, 1):
            raise Refused("unknown weight", f"{place} has the {key} {brief(given)}; it may be 0 or 1.")
        return bool(given)
    return True


_SAID = {"0": False, "1": True, "false": False, "true": True}


def _note_ignored(message: Record, ignored: Ignored, *, weighted: bool) -> None:
    for key, value in message.items():
        kept = key in ("role", "content", "from", "value") or (weighted and key in ("weight", "train"))
        if not kept and key not in _CALLS and value is not None and len(ignored) < MOST_IGNORED:
            ignored[brief(key).strip("'\"")] = None


def _system_of(record: Record, key: str = "system") -> Transcript:
    system = record.pop(key, None)
    if system is not None and not isinstance(system, str):
        raise Refused("content not text", "The system prompt of the record is not text.")
    return Transcript(system if system and system.strip() else None)


def _begun(record: Record) -> Transcript:
    """A transcript with the system prompt that stands beside the messages, by either of its names."""
    return _system_of(record, "system_prompt" if "system_prompt" in record else "system")


# Readers --------------------------------------------------------------------------------------------------------------


def _openai(record: Record, ignored: Ignored) -> Transcript:
    transcript = _begun(record)
    _messages("messages", record, ignored, transcript)
    return transcript


def _sharegpt(record: Record, ignored: Ignored) -> Transcript:
    transcript = _begun(record)
    _messages("conversations", record, ignored, transcript)
    return transcript


def _own_turns(record: Record, ignored: Ignored) -> Transcript:
    transcript = _begun(record)
    _messages("turns", record, ignored, transcript)
    return transcript


def _trl(record: Record, ignored: Ignored) -> Transcript:
    """TRL's conversational prompt and completion; what stands in the prompt is not trained on there."""
    transcript = _begun(record)
    _messages("prompt", record, ignored, transcript, trained=False)
    _messages("completion", record, ignored, transcript)
    return transcript


def _pair(record: Record, _ignored: Ignored) -> Transcript:
    transcript = _begun(record)
    transcript.add("“prompt”", "user", _text(record, "prompt"))
    transcript.add("“completion”", "assistant", _text(record, "completion"))
    return transcript


def _alpaca(record: Record, _ignored: Ignored) -> Transcript:
    """Alpaca, with the history and the system prompt that LLaMA-Factory adds; an input follows its instruction in a
    line of its own, as LLaMA-Factory joins them."""
    transcript = _begun(record)
    history = record.pop("history", None) or []
    if not isinstance(history, list):
        raise Refused("no messages", f"“history” is {brief(history)}, and should be a list of pairs.")
    for number, pair in enumerate(history, 1):
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(isinstance(text, str) for text in pair):
            raise Refused("content not text", f"Pair {number} of the history is not a question and an answer.")
        transcript.add(f"The question of pair {number}", "user", pair[0])
        transcript.add(f"The answer of pair {number}", "assistant", pair[1])
    parts = [_text(record, "instruction"), _text(record, "input") if record.get("input") is not None else ""]
    record.pop("input", None)
    transcript.add("“instruction”", "user", "\n".join(part for part in parts if part))
    transcript.add("“output”", "assistant", _text(record, "output"))
    return transcript


def _text(record: Record, key: str) -> str:
    value = record.pop(key)
    if not isinstance(value, str):
        raise Refused("content not text", f"“{key}” is {brief(value)}, and should be text.")
    return value


# What stands beside the turns -----------------------------------------------------------------------------------------


def _own(record: Record) -> OwnRecord:
    """The identity in what is left of a record of our own."""
    version, identity, revision = record.pop("traintui"), record.pop("conversation_id"), record.pop("revision")
    status = record.pop("status", None)
    if isinstance(version, bool) or version not in OWN_VERSIONS:
        known = f"{', '.join(map(str, OWN_VERSIONS[:-1]))} and {OWN_VERSIONS[-1]}"
        raise Refused("unknown version", f"It is of version {brief(version)} of our format; {known} are known.")
    if not isinstance(identity, str) or not identity.strip() or len(identity) > MOST_ID:
        raise Refused("no id", f"“conversation_id” is {brief(identity)}, and should be the id of a conversation.")
    if isinstance(revision, bool) or not isinstance(revision, int) or not 1 <= revision < 2**31:
        raise Refused("no revision", f"“revision” is {brief(revision)}, and should be a number from 1.")
    if status is not None and not isinstance(status, str):
        raise Refused("no status", f"“status” is {brief(status)}, and should be text.")
    return OwnRecord(identity, revision, status, record)


def _dimensions(record: Record) -> dict[str, str]:
    """Takes the values of dimensions out of a record; what is no text, or empty, stays metadata."""
    found = {}
    for name in DIMENSIONS:
        value = record.get(name)
        if isinstance(value, str) and value.strip():
            found[name] = value.strip()
        if value is None or isinstance(value, str):
            record.pop(name, None)
    return found


def _metadata(record: Record) -> Record:
    """What is left of a record; an object `metadata` gives its keys to it, unless one is there already."""
    inner = record.get("metadata")
    if isinstance(inner, dict) and not any(key in record for key in inner):
        record = {key: value for key, value in record.items() if key != "metadata"} | inner
    return {key: value for key, value in record.items() if value is not None or key != "metadata"}


def _is_list(record: Record, *keys: str) -> bool:
    return all(isinstance(record.get(key), list) for key in keys)


def _is_text(record: Record, *keys: str) -> bool:
    return all(isinstance(record.get(key), str) for key in keys)


SHAPES: dict[Format, Shape] = {
    shape.name: shape
    for shape in (
        Shape("traintui", ("traintui", "conversation_id", "revision", "turns"), "our own “traintui” and a list “turns”",
              lambda record: "traintui" in record and _is_text(record, "conversation_id") and _is_list(record, "turns"),
              _own_turns),
        Shape("openai", ("messages",), "a list “messages”", lambda record: _is_list(record, "messages"), _openai),
        Shape("sharegpt", ("conversations",), "a list “conversations”",
              lambda record: _is_list(record, "conversations"), _sharegpt),
        Shape("trl-prompt-completion", ("prompt", "completion"), "lists “prompt” and “completion”",
              lambda record: _is_list(record, "prompt", "completion"), _trl),
        Shape("prompt-completion", ("prompt", "completion"), "texts “prompt” and “completion”",
              lambda record: _is_text(record, "prompt", "completion"), _pair),
        Shape("alpaca", ("instruction", "output"), "texts “instruction” and “output”",
              lambda record: _is_text(record, "instruction", "output"), _alpaca),
    )
}  # fmt: skip
