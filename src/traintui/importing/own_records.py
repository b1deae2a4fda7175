"""What only our own format has, checked and as the database takes it: status, decisions, earlier texts, and where the
text is from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from traintui.audit.notes import redacted_note
from traintui.importing.conversations import DIMENSIONS, ImportedConversation, Refused, Transcript, brief

LONGEST_NOTE = 500
_AFTER = {"approve": "approved", "reject": "rejected", "edit": "generated"}
_DECIDES = {"approved": "approve", "rejected": "reject"}
T = TypeVar("T")


def carried(conversation: ImportedConversation) -> dict[str, Any]:
    """The keys of an item that only our own format gives; none for a conversation of another one.

    Raises `Refused` with the first key that is not what Traintui writes.
    """
    own = conversation.own
    if own is None:
        return {}
    rest = own.rest
    is_seed = _flag(rest, "is_seed", default=True)
    missing = [name for name in DIMENSIONS if name not in conversation.dimensions]
    if missing and not is_seed:
        raise Refused("dimension missing", f"It is no seed, and has no {missing[0]}.")
    score = _given(rest, "quality_score", (int, float), "a number")
    if score is not None and not 0 <= score <= 10:
        raise Refused("no score", f"“quality_score” is {brief(score)}, and should be from 0 to 10.")
    kept = {name: value for name in ("document", "chunk") if (value := _text(rest, name)) is not None}
    return {
        "conversation_id": own.conversation_id,
        "revision": own.revision,
        "status": own.status if own.status in _DECIDES else "generated",
        "quality_score": score,
        "model": _text(rest, "model"),
        "is_seed": is_seed,
        "is_rehearsal": _flag(rest, "is_rehearsal", default=False),
        "created_at": _moment(rest, "created_at"),
        "kept": kept or None,
        "decisions": _decisions(rest, own.revision, own.status) or None,
        "earlier": _earlier(rest, own.revision) or None,
    }


def _decisions(rest: Mapping[str, Any], newest: int, status: str | None) -> list[dict[str, Any]]:
    """The decisions with the status before and after each; one more where the status says what none of them does."""
    found: list[dict[str, Any]] = []
    stands = "generated"
    for number, given in enumerate(_list(rest, "decisions"), 1):
        place = f"Decision {number}"
        action = given.get("action") if isinstance(given, dict) else None
        if not isinstance(action, str) or action not in _AFTER:
            raise Refused("no decision", f"{place} is none: its action is approve, reject or edit.")
        revision = _number(given, "revision", place, most=newest)
        if revision is None:
            raise Refused("no decision", f"{place} names no revision.")
        moment = _text(given, "at")
        if moment is not None:
            _time(moment, f"{place} is of")
        after = _AFTER[action]
        found.append(
            {
                "action": action, "revision": revision, "turn": _number(given, "turn", place, most=2**31 - 1),
                "reason": redacted_note(_text(given, "reason", LONGEST_NOTE)),
                "notes": redacted_note(_text(given, "notes", LONGEST_NOTE)),
                "reviewer": _text(given, "reviewer"), "at": moment, "before": stands, "after": after,
            }
        )  # fmt: skip
        stands = after
    if status in _DECIDES and not any(decision["after"] == status for decision in found):
        found.append({"action": _DECIDES[status], "revision": newest, "before": stands, "after": status})
    return found


def _earlier(rest: Mapping[str, Any], newest: int) -> list[dict[str, Any]]:
    """The texts of earlier revisions, each of which keeps the rules that every text keeps."""
    found: dict[int, dict[str, Any]] = {}
    for number, given in enumerate(_list(rest, "earlier"), 1):
        place = f"Earlier text {number}"
        if not isinstance(given, dict) or not isinstance(given.get("turns"), list):
            raise Refused("no turns", f"{place} has no list “turns”.")
        revision = _number(given, "revision", place, most=newest - 1)
        if revision is None or revision in found:
            raise Refused("no revision", f"{place} names no revision of its own.")
        transcript = Transcript()
        for step, turn in enumerate(given["turns"], 1):
            role, content = (turn.get("role"), turn.get("content")) if isinstance(turn, dict) else (None, None)
            if role not in ("user", "assistant") or not isinstance(content, str):
                raise Refused("content not text", f"Turn {step} of {place.lower()} has no role and text of its own.")
            transcript.add(f"Turn {step} of {place.lower()}", role, content, train=_flag(turn, "train", default=True))
        turns = [{"role": t.role, "content": t.content, "train": t.train} for t in transcript.whole()]
        found[revision] = {"revision": revision, "system_prompt": _text(given, "system_prompt"), "turns": turns}
    return list(found.values())


def _given(given: Mapping[str, Any], name: str, kind: type[T] | tuple[type[T], ...], noun: str) -> T | None:
    value = given.get(name)
    if value is None:
        return None
    if (isinstance(value, bool) and kind is not bool) or not isinstance(value, kind):
        raise Refused(f"{name} not {noun}", f"“{name}” is {brief(value)}, and should be {noun}.")
    return value


def _text(given: Mapping[str, Any], name: str, most: int | None = None) -> str | None:
    value = _given(given, name, str, "text")
    if value is not None and most is not None and len(value) > most:
        raise Refused(f"{name} too long", f"“{name}” has more than {most} characters.")
    return value


def _moment(given: Mapping[str, Any], name: str) -> str | None:
    """A time with its zone, as the database reads it; UTC where it names none."""
    said = _text(given, name)
    if said is None:
        return None
    time = _time(said, f"“{name}” is")
    if not 1900 <= time.year < 9999:
        raise Refused("no time", f"“{name}” is {brief(said)}, which is no time that anything was made at.")
    # In UTC, since PostgreSQL takes no zone of 16 hours or more, nor one with parts of a second.
    return (time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)).isoformat()


def _time(said: str, place: str) -> datetime:
    try:
        return datetime.fromisoformat(said)
    except ValueError as error:
        raise Refused("no time", f"{place} {brief(said)}, which is no time.") from error


def _flag(given: Mapping[str, Any], name: str, *, default: bool) -> bool:
    value = _given(given, name, bool, "true or false")
    return default if value is None else value


def _number(given: Mapping[str, Any], name: str, place: str, *, most: int) -> int | None:
    value = _given(given, name, int, "a number")
    if value is not None and not 1 <= value <= most:
        raise Refused(f"no {name}", f"{place} names the {name} {brief(value)}, which is none.")
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value: list[Any] | None = _given(given, name, list, "a list")
    return value or []
