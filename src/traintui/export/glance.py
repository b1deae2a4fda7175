"""A first look at a conversation that sees in microseconds whether there can be anything to say of it."""

from __future__ import annotations

import string
from collections.abc import Sequence

import orjson

from traintui.data.fetched import Fetched
from traintui.export.formats.model import Format
from traintui.export.record import has_text
from traintui.export.tokens import CHARACTERS_PER_TOKEN, MESSAGE_TOKENS

OPENS = "<["
"""What every token of a template and every placeholder begins with (`rules.SPECIAL_TOKENS`; a test holds them
together)."""
_BETWEEN = b'", "'
"""What parts two texts in a list of JSON as PostgreSQL writes it."""
_VISIBLE = frozenset(sign.encode() for sign in string.digits + string.ascii_letters + string.punctuation) - {b"\\"}


def texts_at_a_glance(
    fetched: Fetched, format: Format, limit: int | None, *, estimates: bool
) -> Sequence[bytes] | None:
    """The texts of a conversation in which `preflight` finds nothing, for certain, as they stand in JSON between the
    quotes. None where it must look itself, or where a text is not written as it is stored.

    `limit` is that of the trainer in tokens; it is only judged where tokens are estimated.
    """
    rules, count, contents = format.rules, fetched.turn_count, fetched.contents
    if format.kind != "supervised" or fetched.untrained or count < 2 or count & 1:
        return None
    if rules.learns == "last answer" and count > 2:
        return None
    if (most := limit or rules.token_limit) is not None:
        # JSON is no shorter than what it says. Each message is rounded up, and has what the template adds.
        length = len(contents) + len(fetched.system_prompt or "")
        if not estimates or length // CHARACTERS_PER_TOKEN + (count + 1) * (MESSAGE_TOKENS + 1) > most:
            return None
    if rules.special_tokens and (b"<" in contents or contents.rfind(b"[") > 0):
        return None
    if fetched.system_prompt and not _prompt_passes(fetched.system_prompt, special=rules.special_tokens):
        return None
    if b"\\" not in contents:
        texts = contents.split(b'"')[1::2]
    elif any([rest[:1] == b"r" for rest in contents.split(b"\\")]):
        return None  # a line end that training files do not have, most likely
    else:
        texts = contents[2:-2].split(_BETWEEN)
        if any([text[-1:] == b"\\" for text in texts]):
            return None  # it may be parted at a quote that is its own: one has a backslash before it
    if len(texts) != count or any([text[:1] not in _VISIBLE and _is_blank(text) for text in texts]):
        return None
    return texts


def _prompt_passes(prompt: str, *, special: bool) -> bool:
    return "\r" not in prompt and not (special and any([sign in prompt for sign in OPENS]))


def _is_blank(text: bytes) -> bool:
    return not has_text(orjson.loads(b'"%b"' % text))
