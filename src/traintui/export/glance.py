"""A first look at a conversation that sees in microseconds whether there can be anything to say of it."""

from __future__ import annotations

from traintui.export.formats.model import Format
from traintui.export.record import TrainingRecord
from traintui.export.tokens import CHARACTERS_PER_TOKEN, MESSAGE_TOKENS

ROLES = ["user", "assistant"]
OPENS = "<["
"""What every token of a template and every placeholder begins with (`rules.SPECIAL_TOKENS`; a test holds them
together)."""


def passes_at_a_glance(record: TrainingRecord, format: Format, limit: int | None, *, estimates: bool) -> bool:
    """Whether `preflight` finds nothing in a conversation, for certain; where this says no, it must look itself.

    `limit` is that of the trainer in tokens; it is only judged where tokens are estimated.
    """
    rules, turns, prompt = format.rules, record.turns, record.system_prompt or ""
    count = len(turns)
    if format.kind != "supervised" or count < 2 or count & 1 or (rules.learns == "last answer" and count > 2):
        return False
    if [turn.role for turn in turns] != ROLES * (count >> 1):
        return False
    if not all([turn.train for turn in turns]):
        return False
    contents = [turn.content for turn in turns]
    if any([not content or content.isspace() for content in contents]):
        return False
    whole = "".join([prompt, *contents])
    if "\0" in whole or (not whole.isascii() and not is_text(whole)):
        return False
    if rules.special_tokens and any(sign in whole for sign in OPENS):
        return False
    if (most := limit or rules.token_limit) is None:
        return True
    # Each message is rounded up, and has what the template adds.
    return estimates and len(whole) // CHARACTERS_PER_TOKEN + (count + 1) * (MESSAGE_TOKENS + 1) <= most


def is_text(content: str) -> bool:
    """Whether no half of a surrogate pair is in it."""
    try:
        content.encode()
    except UnicodeEncodeError:
        return False
    return True
