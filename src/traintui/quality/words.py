"""Words and numbers of a text, in the plain form in which two texts can be compared."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

# A letter of a script without blanks between words counts as a word.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+(?:['’][^\W\d_{_UNSPACED}]+)?")  # noqa: RUF001
_WORD_OF_ASCII = re.compile("[a-z0-9]+(?:'[a-z]+)?")
"""What `_WORD` finds in a text of ASCII in lower case, in a quarter of the time."""
_NUMBER = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?")
_LIST_NUMBER = re.compile(r"^[ \t]*[0-9]{1,3}[.)][ \t]", re.MULTILINE)
_SHORTEST = 4  # letters of a word that can carry content
_ENDINGS = ("ments", "ment", "ingly", "ings", "ing", "edly", "ies", "ied", "ers", "ed", "es", "er", "ly", "s", "e", "y")
_COMMON_WORDS = """
    about above across actually after again against ahead almost along already also although always another anything
    around because been before behind being below between both bring call came can't cannot certainly chance come
    comes could couldn't definitely didn't different doesn't doing don't done down during each either else enough
    even ever every everything exactly example feel feels find fine first from gets give gives giving glad goes
    going gonna good great happen happens happy hasn't have haven't having hear hello help helps here here's hope
    however i'll i've into isn't it's just keep kind know last least less let's like likely little long look looking
    looks lots made make makes making many matter maybe mean means might mind more most much must nearly need needs
    never next nice nothing okay once only onto other others over part perfect please point possible pretty probably
    quite rather ready really right said same says seem seems several should shouldn't since some someone something
    soon sorry sounds start still such sure take takes taking tell than thank thanks that that's their them then
    there there's these they they're thing things think this those though thought through time today together told
    tomorrow took toward tried tries trying turn under understand understandable unless until upon used useful using
    usually very want wanted wants wasn't ways welcome well went were what what's when where whether which while
    will with within without won't wonder work works worry would wouldn't year years yesterday you'd you'll you're
    you've your yours yourself
"""
_COMMON = frozenset(_COMMON_WORDS.split())
_UNIT_NAMES = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
"""
_WRITTEN = {
    **{name: str(value) for value, name in enumerate(_UNIT_NAMES.split())},
    **{"twenty": "20", "thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90", "hundred": "100"},
    **{"once": "1", "first": "1", "twice": "2", "second": "2", "third": "3", "half": "50"},
}


def inflections(word: str) -> str:
    """Return a regular expression for the forms of a word, for which case does not matter."""
    root = stem(word.lower())
    return re.escape(root) + f"(?:{'|'.join(_ENDINGS)})?(?:['’]s)?"  # noqa: RUF001


def words(text: str) -> Iterator[str]:
    """Yield the words in lower case, from first to last."""
    if text.isascii():
        return iter(_WORD_OF_ASCII.findall(text.lower()))
    return (match[0].lower().replace("’", "'") for match in _WORD.finditer(text))  # noqa: RUF001


def content_words(text: str) -> frozenset[str]:
    """Return the words that carry content, without their endings, so that `fees` and `fee` are one."""
    return frozenset(stem(word) for word in words(text) if _carries_content(word))


def numbers(text: str) -> frozenset[str]:
    """Return the numbers in figures, `1,000.00` as `1000`; the numbering of a list is none."""
    return frozenset(_plain(match[0]) for match in _NUMBER.finditer(_LIST_NUMBER.sub(" ", text)))


def written_numbers(text: str) -> frozenset[str]:
    """Return the numbers that stand in words, as figures."""
    return frozenset(_WRITTEN[word] for word in words(text) if word in _WRITTEN)


def _carries_content(word: str) -> bool:
    if word in _COMMON or word.isdigit():
        return False
    return len(word) >= _SHORTEST or "\u3040" <= word[0] <= "\ud7af"


def stem(word: str) -> str:
    """Return a word in lower case without its ending: `fees` and `fee` have the same."""
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if len(word) - len(ending) >= _SHORTEST - 1 and word.endswith(ending):
            return word[: -len(ending)]
    return word


_SENTENCE_END = re.compile(r"""(?<![\s(]\w)[.!?…]+["'”’)\]]*(?=\s)|[。！？]+[」』”]?|\n""")  # noqa: RUF001


Places = tuple[tuple[int, int], ...]
"""Parts of a text by their places: begin and end of each."""


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of the sentences, begin and end of each, blanks left out; the end of a line ends one too."""
    place = 0
    for match in itertools.chain(_SENTENCE_END.finditer(text), (None,)):
        end = match.end() if match else len(text)
        said = text[place:end]
        if bare := said.strip():
            begin = place + said.index(bare)
            yield begin, begin + len(bare)
        place = end


def _plain(figure: str) -> str:
    whole, _, fraction = figure.replace(",", "").partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")
