"""Names that say that what they name is a secret: of fields, of settings, of variables."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

HARMLESS = frozenset({
    "true", "false", "none", "null", "yes", "no", "0", "1", "required", "optional", "string", "include", "omit",
    "same-origin",
})  # fmt: skip
"""What stands behind such a name where nothing is hidden."""
_SURE = re.compile(
    r"(?P<header>authorization|^(?:set-)?cookie)|(?P<password>password|passwd|passphrase)"
    r"|(?P<api_key>api-?key|client-?secret|(?:secret|private)-?(?:access-?)?key|(?:access|refresh|auth|id)-?token)"
)
_DOUBTFUL = re.compile(r"(?:^|-)(?P<word>pwd|pass|secret|token|credentials?)$")
"""Whole words of a name: a compass and a bypass hold no password."""
_NO_PASSWORD = re.compile(
    r"(?:^|-)(?:first|second|third|last|final|next|single|multi|one|two|high|low|band|all|any|each|render|forward|backward"
    r"|boarding|season|day|hall|dry|quick|rough|tests?|max|min|num|by)-$"
)
_NO_TOKEN = re.compile(
    r"(?:^|-)(?:eos|bos|pad|unk|mask|sep|cls|eot|special|start|end|stop|first|last|next|prev|page|continuation|sync|max"
    r"|min|num|per|of|each|added|prompt|input|output|text|image|audio|word|begin)-$"
)
"""Those of a language model, of a page of a list, of a price."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_CODE = re.compile(r"[A-Za-z_]\w{0,19}(?:\.[A-Za-z_]\w{0,19})+")
_NUMBER = re.compile(r"[\d.,+%-]*(?:e[+-]?\d{1,3})?", re.IGNORECASE)
_ELSEWHERE = ("$", "<", "{", "%", "(", "[", "*")
"""How programs and templates begin a value that they take from elsewhere."""
_SHORTEST = 8
"""Signs of the shortest secret under a name that most often names something else."""


def kind_of(name: str) -> str:
    """The kind of secret that something of this name holds, or may hold; nothing where it is no such name."""
    plain = _plain(name)
    if sure := _sure(plain):
        return sure
    found = _DOUBTFUL.search(plain)
    if found is None:
        return ""
    return "password" if found["word"] in ("pwd", "pass") else "named_value"


def is_sure(name: str) -> bool:
    """Whether something of this name is a secret whatever it looks like."""
    return bool(_sure(_plain(name)))


def may_hold(name: str, said: str) -> bool:
    """Whether what is said under a name that has a kind is a secret: no word, number or piece of a program."""
    plain = _plain(name)
    if _sure(plain) or (found := _DOUBTFUL.search(plain)) is None:
        return True
    word, before, said = found["word"], plain[: found.start("word")], said.strip()
    if not said or said.lower() in HARMLESS or said.startswith(_ELSEWHERE) or "://" in said:
        return False
    if word == "pwd":
        return not said.startswith(("/", "~", ".")) and said[1:3] != ":\\"  # the shell's working directory
    if len(said.split()) > 1 or _CODE.fullmatch(said):
        return False
    if word.startswith("credential"):
        return ":" in said or _looks_hidden(said)
    if word == "secret":
        return len(said) > 3 or not said.isdigit()
    if not before:
        return _looks_hidden(said)
    if word == "pass":
        return not _NO_PASSWORD.search(before)
    return not _NO_TOKEN.search(before) and not _is_number(said)


def looks_random(value: str) -> bool:
    """Whether a value after a name like `password:` in prose is one, and not the next word of the sentence."""
    value = value.rstrip(".,;:")
    if "-" in value and all(part.isalpha() or part.isdigit() for part in value.split("-")):
        return False
    turns = sum(one.islower() and two.isupper() for one, two in pairwise(value))
    return any(letter.isdigit() for letter in value) or turns >= 2 or (len(value) >= 24 and value.isalnum())


@lru_cache(maxsize=1_000)
def _plain(name: str) -> str:
    return _CAMEL.sub("-", name).lower().replace("_", "-")


def _sure(plain: str) -> str:
    return next((match.lastgroup or "" for match in _SURE.finditer(plain) if match.end() == len(plain)), "")


def _looks_hidden(said: str) -> bool:
    return len(said) >= _SHORTEST and looks_random(said) and not _is_number(said)


def _is_number(said: str) -> bool:
    return _NUMBER.fullmatch(said) is not None
