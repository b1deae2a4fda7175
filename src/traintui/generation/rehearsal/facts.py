"""Statements of the source as facts to talk about: their kind, their nearness to the topic, how a person asks."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from traintui.generation.rehearsal.english import (
    capitalise,
    is_measure,
    is_plural,
    label_in_text,
    sentences_of,
    swap_speaker,
)
from traintui.generation.rehearsal.passages import Statement

Question = tuple[str, str]
"""A question, and the short answer it calls for: "Yes", "No" or ""."""

STOPWORDS = frozenset(
    """a about after all also an and any are as at be been before but by can do does for from get had has have how i if
    in into is it its may me member members more most must my no not of on one or our out over than that the their
    them then there they this to up us was we what when which who will with without you your understand know find
    want learn ask explain""".split()  # noqa: SIM905
)
MONEY = re.compile(r"\$\d+(?:,\d{3})*(?:\.\d+)?(?:\s(?:per|an?|each)\s[a-z]+)?")
PERCENT = re.compile(r"\d+(?:\.\d+)?\s?(?:%|percent)")
NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|thirty|sixty|ninety)"
TIME = re.compile(
    rf"\b{NUMBER}[ -](?:(?:business|calendar|working|full|consecutive) )?"
    r"(?:minutes?|hours?|days?|weeks?|months?|years?)\b",
    re.I,
)
_CONTACT = re.compile(
    r"(?:please )?(?:call|phone|e-?mail|contact|write to|visit|speak (?:to|with)|talk to|ask)\b"
    r"|(?:you|members) (?:can|should|may|must|need to)(?: also)? (?:call|phone|e-?mail|contact"
    r"|write to|visit|speak|talk)\b"
    r"|(?:to|for|if) [^,]{4,60}, (?:please )?(?:call|phone|e-?mail|contact|write to|visit|ask)\b",
    re.I,
)
_SOME = r"(?:\$|\d|once|twice|one|two|three|four|five|six|ten|twelve)"


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement, ready to be asked for and answered with."""

    place: int
    statement: Statement
    kind: str
    """money, rate, free, limit, refusal, deadline, time, duty, condition, permission, contact, steps or plain."""
    questions: tuple[Question, ...]
    words: frozenset[str]
    figures: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What it is about, for mid-sentence, or empty."""
        return self.statement.subject or _subject(self.statement.text)

    @property
    def priced(self) -> bool:
        """Whether it gives one figure for its subject, so that the two can be named together."""
        one = self.statement.kind == "row" or _is_priced(self.statement.text)
        return one and bool(self.subject and self.figures)


def stems(text: str) -> frozenset[str]:
    """The words of a text that carry meaning, without their endings."""
    found = set()
    for word in re.findall(r"[a-z][a-z'-]+", text.lower()):
        if word not in STOPWORDS:
            found.add(re.sub(r"(?:ies|ing|ed|es|s|ly)$", "", word) if len(word) > 4 else word.rstrip("s"))
    return frozenset(found)


def fact(place: int, statement: Statement) -> Fact:
    """A statement as a fact."""
    text = statement.text
    figures = tuple(m[0] for pattern in (MONEY, PERCENT, TIME) for m in pattern.finditer(text))
    words = stems(f"{text} {statement.heading}")
    return Fact(place, statement, _kind(statement), tuple(_questions(statement)), words, figures)


def related(facts: list[Fact], topic: str, intent: str, rng: random.Random) -> list[Fact]:
    """The facts with those nearest to the topic first; equals in an order of chance."""
    about, aim = stems(topic), stems(intent)

    def nearness(item: Fact) -> float:
        own = stems(item.statement.text)
        # A document tends to put its main rules first, and people ask for figures first.
        early = 0.8 * (1 - item.place / len(facts)) + 0.5 * item.priced
        return (
            early + 2.0 * len(about & own) + 0.8 * len(about & item.words) + 0.7 * len(aim & own) + 1.2 * rng.random()
        )

    return sorted(facts, key=nearness, reverse=True)


def _kind(statement: Statement) -> str:
    text = statement.text.lower()
    if statement.kind == "steps":
        return "steps"
    priced = statement.kind == "row" or _is_priced(statement.text)
    condition = re.search(r"\b(?:if|unless|once|until|when|while|as long as)\b", text)
    free = re.search(r"\bno (?:charge|fee|cost)|without charge|not charge|costs? nothing|waive|free of charge", text)
    tests = (
        ("contact", _CONTACT.match(statement.text) and len(text.split()) < 32),
        ("free", free and not condition),
        ("condition", condition and free),
        ("rate", priced and PERCENT.search(text)),
        ("duty", statement.kind == "needs"),
        ("money", statement.kind == "row" and MONEY.search(text) and not is_measure(statement.subject)),
        (
            "limit",
            re.search(
                rf"\b(?:no more than|up to|at most|limited to|at least) {_SOME}"
                r"|\b(?:maximum|minimum|limit) (?:is|of|at)\b|limit at ",
                text,
            ),
        ),
        ("money", priced and MONEY.search(text)),
        ("refusal", re.search(r"\b(?:not|never|cannot|nor|neither)\b", text)),
        (
            "deadline",
            TIME.search(text)
            and re.search(r"\b(?:you|members) (?:must|can|may|ask|have|need|should)\b[^.,]*\bwithin\b", text),
        ),
        ("time", TIME.search(text)),
        ("duty", re.search(r"\b(?:must|need to|needs to|required?|have to|has to)\b", text)),
        ("condition", condition),
        ("permission", re.match(r"you\b[^.]{0,60}\b(?:can|may)\b", text)),
    )
    return next((name for name, hit in tests if hit), "plain")


_STOP = re.compile(
    r"\s(?:when|if|unless|once|until|because|while|within|after|before|provided|as long as|so that|so"
    r"|by|at|in|from|through|up to|no more than"
    r"|except|but|even|and then|only)\s|[,;:(\u2014]| - "
)
_PARTICIPLE = re.compile(
    r"^(not )?(?:\w+ed|paid|kept|held|sent|made|taken|given|lost|put|shown|due|free|open|available)\b"
)
_WE_VERBS = frozenset(
    """accept add allow answer ask assess block charge check close collect consider credit cover decide decline deduct
    deliver hold honor insure keep limit lower mail move need notify offer open pay post print process provide
    publish put reduce refund remove replace report require reserve return review send set share stop suspend take
    treat try use verify waive work write""".split()  # noqa: SIM905
)
_AUX = r"(?:is|are|was|were|can|may|must|will|should|cannot)"
_MAIN = (
    r"(?:costs?|applies|apply|starts?|begins?|ends?|lasts?|takes?|earns?|requires?|needs?|covers?"
    r"|includes?|expires?|depends?|counts?|stays?"
    r"|remains?|becomes?|falls?|rises?|posts?|clears?|runs?|goes|go|has|have|pays?|receives?|comes?"
    r"|appears?|shows?|carries|carry|arrives?"
    r"|continues?|accrues?)"
)
_NP = re.compile(rf"^((?:[A-Za-z$'\u2019-]+|\d+)(?: [\w$'\u2019.-]+){{0,7}}?) ({_AUX}|{_MAIN}|do not|does not) (.+)$")
_WHEN = {
    "starts": "start", "begins": "begin", "ends": "end", "expires": "expire", "arrives": "arrive", "posts": "post",
    "clears": "clear", "start": "start", "begin": "begin", "end": "end", "expire": "expire", "arrive": "arrive",
    "post": "post", "clear": "clear",
}  # fmt: skip
_TOO_WIDE = re.compile(
    (
        r"(?:an?|the|your|my|our|any|each|every)?\s*(?:accounts?|members?|loans?|requests?|fees?"
        r"|payments?|borrowers?|cards?|amounts?|staff)$"
    ),
    re.I,
)


def _is_priced(text: str) -> bool:
    """Whether a sentence says what its subject costs: "The overdraft fee is $28." """
    match = _NP.match(text.split(". ")[0])
    return bool(match and match[2] in {"is", "are", "cost", "costs"} and re.match(r"\$|\d[\d.]* ?%", match[3]))


def _noun(first: str) -> str:
    """The noun phrase before the verb of a sentence, for mid-sentence, or empty when it can't be told apart safely."""
    if re.match(
        r"(?:if|when|once|unless|after|before|to|for|in|on|at|by|we|you|they|it|there|until|while|with"
        r"|under|because|no|not|please|during"
        r"|anyone|everyone|members|a member|borrowers|with)\b(?! under| over)",
        first,
        re.I,
    ):
        return ""
    match = _NP.match(first)
    if match is None or _OPEN.search(match[1]) or "," in match[1]:
        return ""
    head = match[1]
    determined = re.match(r"(?:the|a|an|each|every|any|your|our|all|most|some|other)\b", head, re.I)
    if not determined and len(head.split()) > 4 and not is_plural(head):
        return ""
    return swap_speaker(head[0].lower() + head[1:]) if determined else label_in_text(head)


def _subject(text: str) -> str:
    """What a sentence is about, unless that is too wide to be asked for by name."""
    noun = _noun(text.split(". ")[0])
    return "" if _TOO_WIDE.match(noun) else noun


_OPEN = re.compile(r"\b(?:who|that|which|when|if|you|we|than)\b", re.I)


def _cut(phrase: str, most: int = 11) -> str:
    """A verb phrase up to its first condition or place, short enough for a question."""
    parts = _STOP.split(phrase, maxsplit=1)
    kept = parts[0].rstrip(" .,;!?")
    return kept if 1 < len(kept.split()) <= most else ""


def _questions(statement: Statement) -> list[Question]:
    """Questions that this statement answers, the most particular first."""
    found: list[Question] = [(statement.asked, "")] if statement.asked else []
    text = statement.text
    first = sentences_of(text)[0].rstrip(".!")
    if statement.kind == "row":
        return found + _about_row(statement)
    if statement.kind == "entry":
        works = "do" if is_plural(statement.subject) else "does"
        return [*found, (f"How {works} {statement.subject} work?", ""), (f"What about {statement.subject}?", "")]
    if statement.kind == "steps":
        return [*found, ("What are the steps, one by one?", ""), ("How do I go about it in practice?", "")]
    for rule in (_by_condition, _by_purpose, _by_person, _by_us, _by_noun):
        found.extend(rule(first))
    return [(capitalise(question), short) for question, short in found if len(question.split()) <= 20]


def _about_row(statement: Statement) -> list[Question]:
    subject = statement.subject
    if is_measure(subject):
        return [(f"What is {subject}?", ""), (f"How high is {subject}?", "")]
    found: list[Question] = []
    if MONEY.search(statement.text) or "no charge" in statement.text:
        found += [(f"What do you charge for {subject}?", ""), (f"How much is it for {subject}?", "")]
    elif PERCENT.search(statement.text):
        found.append((f"What is the rate for {subject}?", ""))
    return [*found, (f"What about {subject}?", ""), (f"What does it say about {subject}?", "")]


def _by_condition(first: str) -> list[Question]:
    match = re.match(r"(If|When|Once|After) (.{8,90}?), ", first)
    if match is None or len(match[2].split()) > 14:
        return []
    clause = swap_speaker(match[2])
    start = match[1].lower()
    verb = "What happens" if start != "when" else "And what happens"
    return (
        [(f"{verb} {start} {clause}?", ""), (f"What do you do {start} {clause}?", "")]
        if start != "after"
        else [(f"What happens after {clause}?", "")]
    )


def _by_purpose(first: str) -> list[Question]:
    match = re.match(r"To ((?!the\b|a\b|an\b|our\b|your\b)[a-z].{3,60}?), ", first)
    return (
        [(f"How do I {swap_speaker(match[1])}?", ""), (f"What does it take to {swap_speaker(match[1])}?", "")]
        if match
        else []
    )


def _by_person(first: str) -> list[Question]:
    who = re.match(r"(?:Anyone|Members|Borrowers|Everyone|People) who [^.]{5,90}? (?:can|may) (.+)$", first)
    if who and (phrase := swap_speaker(_cut(who[1].removeprefix("also ")) or "")):
        return [(f"Who can {phrase}?", ""), (f"Who is allowed to {phrase}?", "")]
    if who and len(who[1].split()) == 1:
        return [(f"Who can {who[1]}?", "")]
    match = re.match(
        r"(?:You|Members|A member|Any member|Every member|Borrowers|A borrower|Account holders"
        r"|An account holder|Anyone)"
        r" (can|may|must|need to|have to|should|cannot|can not|may not)( also| always| only)? (.+)$",
        first,
    )
    if match is None or match[3].startswith(("not ", "be ")):
        return []
    phrase = _cut(match[3])
    if not phrase:
        return []
    phrase = swap_speaker(re.sub(r"\btheir\b", "your", phrase))
    if match[1] in {"can", "may"}:
        return [(f"Can I {phrase}?", "Yes"), (f"Am I allowed to {phrase}?", "Yes")]
    if match[1] in {"cannot", "can not", "may not"}:
        return [(f"Can I {phrase}?", "No")]
    if match[1] == "should":
        return [(f"Should I {phrase}?", "Yes")]
    return [(f"Do I have to {phrase}?", "Yes"), (f"Is it really necessary to {phrase}?", "Yes")]


def _by_us(first: str) -> list[Question]:
    match = re.match(r"We (do not|don't|never|will not|cannot|will|can|may)? ?([a-z]+ .+)$", first)
    if match is None:
        return []
    how, verb = match[1] or "", match[2].split()[0]
    phrase = swap_speaker(_cut(match[2]))
    if not phrase or verb.endswith("ly") or (not how and verb not in _WE_VERBS):
        return []
    if how == "will":
        timed = re.match(r"(?:(?!when |if |and )[^,])*\bwithin\b", match[2]) is not None
        return [(f"How soon will you {phrase}?", "")] if timed else [(f"Will you {phrase}?", "Yes")]
    if how in {"can", "may"}:
        return [(f"Can you {phrase}?", "Yes"), (f"When would you {phrase}?", "")]
    if not how and re.match(r"(?:(?!when |if |and )[^,])*\bwithin\b", match[2]):
        return [(f"How soon do you {phrase}?", "")]
    short = "No" if how else "Yes"
    return [(f"{'Will' if how == 'will not' else 'Can' if how == 'cannot' else 'Do'} you {phrase}?", short)]


def _by_noun(first: str) -> list[Question]:
    noun, match = _noun(first), _NP.match(first)
    if not noun or match is None:
        return []
    verb, rest = match[2], match[3]
    plural = is_plural(match[1])
    does, are = ("do", "are") if plural else ("does", "is")
    about: list[Question] = [] if _TOO_WIDE.match(noun) else [(f"What about {noun}?", "")]
    if verb in {"is", "are", "cost", "costs"} and re.match(r"(?:\$|\d)", rest):
        return [(f"How much {does} {noun} cost?" if verb.startswith("cost") else f"How much {are} {noun}?", ""), *about]
    if verb in {"lasts", "last", "takes", "take"}:
        return [(f"How long {does} {noun} {verb.rstrip('s')}?", "")]
    if verb in _WHEN:
        return [(f"When {does} {noun} {_WHEN[verb]}?", "")]
    if verb in {"becomes", "become"} and (phrase := _cut(f"become {rest}")):
        return [(f"When {does} {noun} {phrase}?", "")]
    if verb in {"does not", "do not"}:
        return (
            [(f"{capitalise(does)} {noun} {phrase}?", "No"), *about] if (phrase := swap_speaker(_cut(rest))) else about
        )
    if verb in {"is", "are"} and _PARTICIPLE.match(rest):
        return [_passive(noun, verb, rest), *about]
    if (
        verb in {"can", "may", "will"}
        and not rest.startswith("not ")
        and (phrase := swap_speaker(_short(rest.removeprefix("also "))))
    ):
        return [(f"{'Will' if verb == 'will' else 'Can'} {noun} {phrase}?", "Yes"), *about]
    return about


def _short(phrase: str) -> str:
    return _cut(phrase) or (phrase.split(",")[0].rstrip(".") if len(phrase.split(",")[0].split()) == 1 else "")


def _passive(noun: str, verb: str, rest: str) -> Question:
    negated = rest.startswith("not ")
    bare = rest.removeprefix("not ")
    phrase = swap_speaker(_cut(bare) or bare.split()[0].rstrip(".,;"))
    if re.search(r"\s(?:when|if|once|after|unless|within|while|until)\s", rest):
        return f"When {verb} {noun} {'not ' if negated else ''}{phrase}?", ""
    return f"{capitalise(verb)} {noun} {phrase}?", "No" if negated else "Yes"
