"""Small rules of English: articles, plurals, who is speaking."""

from __future__ import annotations

import re

SAFE_TO_LOWER = frozenset(
    """refunds items shipping returns accounts borrowers cards family membership mortgages proof replacement requests
    rush a about after all also although an any apart as at because before both by charges checks credit debit during
    each either every everyone fees for from how if in interest joint late loans loan members most neither no not
    nobody none nothing on once one only other our overdraft overdrafts payments people several some standing
    statements such that the their there these they this those to transactions transfers two three four five under
    unless until up usually we what when where whether while with within without you your""".split()  # noqa: SIM905
)
"""First words that may lose their capital in mid-sentence."""

_OBJECT_AFTER = frozenset(
    """about after against and as at because before between by directly down each first for free from if in into next of
    off on once or out over so than that the then through to twice under unless until up when whether which who
    while why with within without a an any your our my no""".split()  # noqa: SIM905
)
_PREPOSITIONS = frozenset(
    [
        "about",
        "against",
        "at",
        "before",
        "behind",
        "between",
        "by",
        "for",
        "from",
        "in",
        "of",
        "on",
        "to",
        "toward",
        "under",
        "upon",
        "with",
        "without",
    ]
)
_SIMPLE = {
    "we": "you", "us": "you", "our": "your", "ours": "yours", "ourselves": "yourselves",
    "your": "my", "yours": "mine", "yourself": "myself", "i": "you", "my": "your", "me": "you",
    "we're": "you're", "we'll": "you'll", "we've": "you've", "you're": "I'm", "you'll": "I'll", "you've": "I've",
}  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)?|[^A-Za-z]+")


def swap_speaker(text: str) -> str:
    """`text` as the other side of the conversation would say it: "we charge you" becomes "you charge me"."""
    tokens = _TOKEN.findall(text)
    words = [index for index, token in enumerate(tokens) if token[0].isalpha()]
    swapped = list(tokens)
    for place, index in enumerate(words):
        word = tokens[index].lower()
        if word == "you":
            before = tokens[words[place - 1]].lower() if place else ""
            after = tokens[words[place + 1]].lower() if place + 1 < len(words) else ""
            ends = index + 1 >= len(tokens) or bool(re.match(r"\s*[.,;:?!)]", tokens[index + 1]))
            is_object = (
                ends or before in _PREPOSITIONS or (after in _OBJECT_AFTER and before not in {"if", "when", "that"})
            )
            swapped[index] = "me" if is_object else "I"
            if not is_object and after in {"are", "were"}:
                swapped[words[place + 1]] = "am" if after == "are" else "was"
        elif word in _SIMPLE:
            swapped[index] = _SIMPLE[word]
    return "".join(swapped)


def capitalise(text: str) -> str:
    """`text` with a capital at its start."""
    return text[:1].upper() + text[1:]


def lower_first(text: str) -> str | None:
    """`text` for mid-sentence, or None when its first word may be a name and should keep its capital."""
    first = re.match(r"[A-Za-z']+", text)
    if first is None:
        return text
    if first[0] in {"I", "I'm"}:
        return text
    return text[:1].lower() + text[1:] if first[0].lower() in SAFE_TO_LOWER else None


_NAMES = frozenset(
    [
        "Roth",
        "Visa",
        "Mastercard",
        "Medicare",
        "Medicaid",
        "Zelle",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
        "January",
        "February",
        "March",
        "April",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "American",
        "Canadian",
        "Mexican",
        "English",
        "Spanish",
    ]
)


def label_in_text(label: str) -> str:
    """A label for mid-sentence: "Overdraft fees" loses its capital, "Roth IRA" and "ATM fees" keep theirs."""
    words = label.strip().split()
    if not words or len(words[0]) < 2:
        return label.strip()
    if words[0] in _NAMES:
        return " ".join(words)
    ordinary = words[0][1:].islower() or not words[0][1:].isalpha()
    # "Roth" in a later word marks a name; "ATM" and "ATMs" do not.
    if ordinary and not any(word[:1].isupper() and not any(c.isupper() for c in word[1:]) for word in words[1:]):
        return " ".join([words[0][0].lower() + words[0][1:], *words[1:]])
    return " ".join(words)


def is_measure(label: str) -> bool:
    """Whether a label names a quantity itself, as "Daily cash limit" does, so that it can be "the limit is $600"."""
    head = re.split(r"[,(]| (?:of|for|on|in|at|to|from|by|with|per) ", label.lower())[0].split()
    return bool(head) and head[-1] in {
        "limit",
        "minimum",
        "maximum",
        "fee",
        "rate",
        "charge",
        "penalty",
        "term",
        "period",
        "cap",
        "surcharge",
    }


def noun_phrase(label: str, article: str = "a") -> str:
    """A label as a noun phrase for mid-sentence: "Wire transfer, domestic" becomes "a domestic wire transfer"."""
    words = label_in_text(label)
    turned = re.fullmatch(r"([^,(]+), ([a-z-]+(?: [a-z-]+)?)", words)
    if turned and not re.match(r"(?:per|each|for|from|to|in|at|by|on|with|if|when|paid|up)\b", turned[2]):
        words = f"{turned[2]} {turned[1]}"
    elif "(" not in words:
        words = re.sub(r"^([^,]+), (.+)$", r"\1 (\2)", words)
    head = re.split(
        r"[,(]| (?:of|for|on|in|at|to|from|by|with|per|outside|inside|within|that|after|when|if|less|more|under|over) ",
        words,
    )[0].split()
    counted = (
        head and head[-1].lower() in _COUNTED and not re.match(r"(?:a|an|the|your|our|each|any|no)$", head[0], re.I)
    )
    if not counted or (head[0].endswith("ing") and len(head) > 1 and len(head[0]) > 5):
        return words
    if article != "a":
        return f"{article} {words}"
    vowel = words[0].lower() in "aeiou" and not re.match(r"(?:us|uni|one)", words, re.I)
    letters = re.match(r"[A-Z]{2,}\b", words) is not None and words[0] in "AEFHILMNORSX"
    return f"{'an' if vowel or letters else 'a'} {words}"


_COUNTED = frozenset(
    """account advance agreement application atm bill box card certificate charge check copy deposit draft extension fee
    form inquiry item kit letter limit loan notice option order overdraft payment penalty period plan policy
    printout process program rate replacement request return rule search statement surcharge transaction transfer
    verification wire withdrawal""".split()  # noqa: SIM905
)


def is_plural(noun: str) -> bool:
    """Whether a noun phrase takes "are"."""
    head = re.split(
        r"\s+(?:of|for|on|in|at|with|to|from|by|about|under|after|when|if|that|who|which)\s+|,|\(", noun.lower()
    )[0]
    if re.match(r"(?:a|an|each|every|this|one)\s", head):
        return False
    if re.search(r"\sand\s", head) and not head.split()[0].endswith("ing"):
        return True
    last = head.split()[-1] if head.split() else ""
    if head.split() and head.split()[0].endswith("ing") and len(head.split()[0]) > 5:
        return False
    return (last.endswith("s") and not last.endswith(("ss", "us", "is"))) or last in {"people", "children", "criteria"}


def first_person(description: str) -> str | None:
    """ "wants to know every consequence" becomes "I want to know every consequence."; None when unsure."""
    text = description.strip().rstrip(".")
    if (
        not text
        or len(text.split()) > 18
        or re.search(r"\b(?:he|she|him|his|her|them|who|someone|user|people)\b", text, re.I)
    ):
        return None
    if re.match(r"(?:a|an)\s", text, re.I):
        return f"I am {text[0].lower()}{text[1:]}."
    first, _, rest = text.partition(" ")
    base = _BASE.get(first.lower())
    if base is None:
        return None
    rest = re.sub(r"\btheir\b", "my", rest)
    rest = re.sub(r"\bthemselves\b", "myself", rest)
    rest = re.sub(r"\bthey\b(?: are\b)?", lambda m: "I am" if m[0].endswith("are") else "I", rest)
    rest = re.sub(
        r"((?:\band|\bbut|,)(?: also| never| often| always)? )(\w+)",
        lambda m: m[1] + _BASE.get(m[2], m[2]),
        rest,
    )
    return f"I {base} {rest}".strip() + "."


_BASE = {
    "is": "am", "has": "have", "does": "do", "goes": "go", "worries": "worry", "tries": "try",
    "carries": "carry", "studies": "study",
} | {
    f"{verb}s": verb
    for verb in """ask assume avoid believe blame care check compare count depend dislike distrust doubt draw earn
    expect enjoy fear feel find forget get give handle hate help hope insist juggle keep know lack learn like live look
    lose love make manage mean need notice own pay plan prefer put question read receive rely remember rent run save
    see seek send share speak spend start struggle support suspect take talk tell think travel trust understand
    use value wait want work write wonder""".split()  # noqa: SIM905
}  # fmt: skip


def listing(items: list[str], word: str = "and") -> str:
    """ "a, b and c"."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def sentences_of(text: str) -> list[str]:
    """The sentences of running text; "8 p.m." and "e.g." do not end one unless a plain sentence start follows."""
    parts = re.split(r"(?<=[.!?])([\"\u201d')\]]*)\s+(?=[A-Z0-9$\"\u201c(])", text.strip())
    pieces = [parts[0], *(parts[i] for i in range(2, len(parts), 2))]
    pieces = [piece + (parts[2 * i + 1] if 2 * i + 1 < len(parts) else "") for i, piece in enumerate(pieces)]
    found: list[str] = []
    for piece in pieces:
        if found and _runs_on(found[-1], piece):
            found[-1] += " " + piece
        elif piece:
            found.append(piece)
    return found


def _runs_on(before: str, after: str) -> bool:
    if re.search(r"\b(?:e\.g|i\.e|etc|vs|approx|no|nos|sec|art|mr|mrs|ms|dr|st|inc|co|u\.s)\.$", before, re.I):
        return not (before.lower().endswith(("etc.", "inc.", "co.")) and _plain_start(after))
    return bool(re.search(r"\b[ap]\.m\.$", before, re.I)) and not _plain_start(after)


def _plain_start(text: str) -> bool:
    first = re.match(r"[A-Za-z]+", text)
    return bool(first) and first is not None and first[0].lower() in SAFE_TO_LOWER
