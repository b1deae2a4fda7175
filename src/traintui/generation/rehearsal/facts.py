"""Statements of the source as facts to talk about: what kind each is, how it relates to the topic, how a person asks for it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from traintui.generation.rehearsal.english import capitalise, is_plural, swap_speaker
from traintui.generation.rehearsal.passages import Statement

Question = tuple[str, str]
"""A question, and the short answer it calls for: "Yes", "No" or ""."""

STOPWORDS = frozenset(
    """a about after all also an and any are as at be been before but by can do does for from get had has have how i if in into is it its
    may me member members more most must my no not of on one or our out over than that the their them then there they this to up us was we
    what when which who will with without you your understand know find want learn ask explain""".split()  # noqa: SIM905
)
MONEY = re.compile(r"\$\d[\d,]*(?:\.\d+)?(?:\s(?:per|an?|each)\s[a-z]+)?")
PERCENT = re.compile(r"\d+(?:\.\d+)?\s?(?:%|percent)")
NUMBER = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|thirty|sixty|ninety)"
TIME = re.compile(
    rf"\b{NUMBER}[ -](?:(?:business|calendar|working|full|consecutive) )?(?:minutes?|hours?|days?|weeks?|months?|years?)\b", re.I
)
_CONTACT = re.compile(
    r"\b(?:call|phone|e-?mail|contact|write to|visit|speak (?:to|with)|talk to|hotline|ask (?:a|any|the|your|our|at)|reach us|branch|member services)\b"
    r"|\d{3}-\d{4}",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One statement, ready to be asked for and answered with."""

    place: int
    statement: Statement
    kind: str
    """money, rate, time, limit, refusal, duty, permission, condition, contact, steps or plain."""
    questions: tuple[Question, ...]
    words: frozenset[str]
    figures: tuple[str, ...]

    @property
    def subject(self) -> str:
        """What it is about, for mid-sentence, or empty."""
        return self.statement.subject or _subject(self.statement.text)


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
        return 2.0 * len(about & own) + 0.8 * len(about & item.words) + 0.7 * len(aim & own) + 1.2 * rng.random()

    return sorted(facts, key=nearness, reverse=True)


def _kind(statement: Statement) -> str:
    text = statement.text.lower()
    if statement.kind == "steps":
        return "steps"
    tests = (
        ("contact", _CONTACT.search(text) and not MONEY.search(text) and len(text.split()) < 32),
        ("refusal", re.search(r"\b(?:not|never|no|cannot|nor|neither|without charge|waived?)\b", text)),
        ("limit", re.search(r"\b(?:no more than|up to|at most|maximum|limit(?:ed)?|at least|minimum|or less|or more)\b", text)),
        ("rate", PERCENT.search(text)),
        ("money", MONEY.search(text)),
        ("time", TIME.search(text)),
        ("duty", re.search(r"\b(?:must|need to|needs to|required?|have to|has to)\b", text)),
        ("condition", re.search(r"\b(?:if|unless|once|only when|until)\b", text)),
        ("permission", re.search(r"\b(?:can|may)\b", text)),
    )
    return next((name for name, hit in tests if hit), "plain")


_STOP = re.compile(
    r"\s(?:when|if|unless|once|until|because|while|within|after|before|provided|as long as|so that|so|by|at|in|from|through|up to|no more than"
    r"|except|but|even|and then|only)\s|[,;:(\u2014]| - "
)
_PARTICIPLE = re.compile(r"^(not )?(?:\w+ed|paid|kept|held|sent|made|taken|given|lost|put|shown|due|free|open|available)\b")
_WE_VERBS = frozenset(
    """accept add allow answer ask assess block charge check close collect consider credit cover decide decline deduct deliver hold honor
    insure keep limit lower mail move need notify offer open pay post print process provide publish put reduce refund remove replace report
    require reserve return review send set share stop suspend take treat try use verify waive work write""".split()  # noqa: SIM905
)
_AUX = r"(?:is|are|was|were|can|may|must|will|should|cannot)"
_MAIN = (
    r"(?:costs?|applies|apply|starts?|begins?|ends?|lasts?|takes?|earns?|requires?|needs?|covers?|includes?|expires?|depends?|counts?|stays?"
    r"|remains?|becomes?|falls?|rises?|posts?|clears?|runs?|goes|go|has|have|pays?|receives?|comes?|appears?|shows?|carries|carry)"
)
_NP = re.compile(rf"^((?:[A-Za-z$'\u2019-]+|\d+)(?: [\w$'\u2019.-]+){{0,7}}?) ({_AUX}|{_MAIN}|do not|does not) (.+)$")


def _subject(text: str) -> str:
    """The noun phrase a sentence is about, when it can be told apart safely."""
    first = text.split(". ")[0]
    if re.match(r"(?:if|when|once|unless|after|before|to|for|in|on|at|by|we|you|there|until|while|with|under|because|no|not)\b", first, re.I):
        return ""
    match = _NP.match(first)
    if match is None or _OPEN.search(match[1]) or "," in match[1]:
        return ""
    head = match[1]
    if re.match(r"(?:members|a member|everyone|anyone)$", head, re.I):
        return ""
    if re.match(r"(?:the|a|an|each|every|any|your|our|all|most|some|other|interest|late|joint|loan)\b", head, re.I) or is_plural(head):
        return swap_speaker(head[0].lower() + head[1:])
    return ""


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
    first = re.split(r"(?<=[a-z\d)\u201d])\.(?:\s|$)", text)[0].rstrip(".!")
    if statement.kind == "row":
        return found + _about_row(statement)
    if statement.kind == "steps":
        return [*found, ("What are the steps, one by one?", ""), ("How do I go about it in practice?", "")]
    for rule in (_by_condition, _by_purpose, _by_person, _by_us, _by_noun):
        found.extend(rule(first))
    return [(capitalise(question), short) for question, short in found if len(question.split()) <= 20]


def _about_row(statement: Statement) -> list[Question]:
    subject, found = statement.subject, []
    if MONEY.search(statement.text) or "no charge" in statement.text:
        found += [(f"What do you charge for {subject}?", ""), (f"How much is it for {subject}?", "")]
    if PERCENT.search(statement.text):
        found.append((f"What is the rate for {subject}?", ""))
    return [*found, (f"What about {subject}?", ""), (f"What does it say about {subject}?", "")]


def _by_condition(first: str) -> list[Question]:
    match = re.match(r"(If|When|Once|After) (.{8,90}?), ", first)
    if match is None or len(match[2].split()) > 14:
        return []
    clause = swap_speaker(match[2])
    start = match[1].lower()
    verb = "What happens" if start != "when" else "And what happens"
    return [(f"{verb} {start} {clause}?", ""), (f"What do you do {start} {clause}?", "")] if start != "after" else [(f"What happens after {clause}?", "")]


def _by_purpose(first: str) -> list[Question]:
    match = re.match(r"To ((?!the\b|a\b|an\b|our\b|your\b)[a-z].{3,60}?), ", first)
    return [(f"How do I {swap_speaker(match[1])}?", ""), (f"What does it take to {swap_speaker(match[1])}?", "")] if match else []


def _by_person(first: str) -> list[Question]:
    match = re.match(
        r"(?:You|Members|A member|Any member|Every member|Borrowers|A borrower|Account holders|An account holder|Anyone)"
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
        timed = re.search(r"\bwithin\b", match[2]) is not None
        return [(f"How soon will you {phrase}?", "")] if timed else [(f"Will you {phrase}?", "Yes")]
    if how in {"can", "may"}:
        return [(f"Can you {phrase}?", "Yes"), (f"When would you {phrase}?", "")]
    short = "No" if how else "Yes"
    return [(f"{'Will' if how == 'will not' else 'Can' if how == 'cannot' else 'Do'} you {phrase}?", short)]


def _by_noun(first: str) -> list[Question]:
    subject = _subject(first)
    match = _NP.match(first)
    if not subject or match is None:
        return []
    verb, rest = match[2], match[3]
    plural = is_plural(match[1])
    if verb in {"is", "are", "cost", "costs"} and re.match(r"(?:not )?(?:\$|\d)", rest) and not rest.startswith("not"):
        return [(f"How much {'are' if plural else 'is'} {subject}?", ""), (f"What {'are' if plural else 'is'} {subject}, in figures?", "")]
    if verb in {"lasts", "last", "takes", "take"}:
        return [(f"How long {'do' if plural else 'does'} {subject} {verb.rstrip('s')}?", "")]
    about: list[Question] = [(f"What about {subject}?", ""), (f"What do I need to know about {subject}?", "")]
    if verb in {"is", "are"} and _PARTICIPLE.match(rest):
        phrase = swap_speaker(_cut(rest.removeprefix("not ")) or rest.removeprefix("not ").split()[0].rstrip(".,;"))
        conditional = re.search(r"\s(?:when|if|once|after|unless|within|by|on)\s", rest)
        if conditional and not rest.startswith("not "):
            return [(f"When {verb} {subject} {phrase}?", ""), *about]
        return [(f"{capitalise(verb)} {subject} {phrase}?", "No" if rest.startswith("not ") else "Yes"), *about]
    if verb in {"can", "may", "will"} and not rest.startswith("not "):
        phrase = swap_speaker(_cut(rest))
        if phrase and verb != "may":
            return [(f"{capitalise(verb)} {subject} {phrase}?", "Yes"), *about]
    return about
