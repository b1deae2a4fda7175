"""Requests that the source does not settle: outside it, at odds with it, or too vague; answered honestly."""

from __future__ import annotations

import re

from traintui.generation.rehearsal.desk import Desk
from traintui.generation.rehearsal.doubts import (
    ASK_ANY,
    ASK_MEMBER,
    ASK_STAFF,
    BEYOND,
    NO_GUESS,
    NOT_COVERED,
    RUMOR_UNKNOWN,
    RUMORS,
    RUMORS_ANSWERED,
    TOLD_BOTH,
    TOLD_BOTH_ANSWERED,
    VAGUE,
    VAGUE_ANSWERED,
    VAGUE_ASK,
    WANTS_BOTH,
    WANTS_BOTH_ANSWERED,
)
from traintui.generation.rehearsal.english import capitalise, lower_first
from traintui.generation.rehearsal.facts import MONEY, PERCENT, TIME, Fact
from traintui.generation.rehearsal.framing import framed

Exchange = dict[str, str]

_BRIDGES = (
    "I have read the part on {topic}, but my case is a little different.",
    "I know what is written about {topic} in general.",
    "My question about {topic} is probably an odd one.",
    "I could not find my case anywhere when I looked up {topic}.",
    "It is about {topic}, with a twist.",
)
_STILL = (
    "What it does say is this:",
    "The nearest thing it has is this:",
    "What I can give you is the general rule:",
    "For the ordinary case, this much is written:",
)
_WHO_ASKED = (
    "Then who can tell me for certain?",
    "So where would I get a proper answer to the open part?",
    "Who would have the last word on that?",
    "Where do I go with the part that you can't answer?",
)
_WHO_GLOSS = (
    "Bring the question in one sentence, and say which passage you have already read.",
    "Mention that the text itself leaves this open, so that nobody just reads it back to you.",
    "Until you have that answer, treat only what is written as settled.",
    "Ask for the name of the rule they rely on, so that you can look it up.",
)
_NO_DOCUMENT = (
    "I have nothing in front of me that deals with {thing}.",
    "On {thing} I have no text that I could go by.",
    "I can't look up {thing} here.",
)


def edge_opening(desk: Desk, last: bool) -> Exchange:
    """The first exchange of an edge case: one of four kinds, as the source allows."""
    kinds = desk.rng.sample([_rumor, _vague, _contradiction, _outside], 4)
    return next(made for kind in [*kinds, _outside, _open_question] if (made := kind(desk, last)))


def gap(desk: Desk, last: bool) -> Exchange | None:
    """A later question about something that the source does not cover."""
    if not desk.gaps:
        return None
    chosen = desk.gaps.pop()
    lead = desk.draw(desk.voice.follow) if desk.rng.random() < 0.5 else desk.draw(desk.mood.reacts)
    user = desk.turn(lead, chosen.asked)
    pieces = [_not_covered(desk, chosen.thing), _ask_somewhere(desk)]
    optional = [desk.draw(NO_GUESS), desk.draw(desk.speech.ends) if last else ""]
    return {"user": user, "assistant": desk.answer(*pieces[:1], optional=[*optional[:1], *pieces[1:], *optional[1:]])}


def who_to_ask(desk: Desk, last: bool) -> Exchange | None:
    """The person asks where the open question can be settled."""
    asked, gloss = desk.draw(_WHO_ASKED), desk.draw(_WHO_GLOSS)
    contact = desk.take("contact") if desk.grounded else None
    place = framed(desk, contact, "", plain=True) if contact else _ask_somewhere(desk)
    if not asked or not place:
        return None
    user = desk.turn(desk.draw(desk.mood.reacts), asked)
    return {
        "user": user,
        "assistant": desk.answer(place, gloss, optional=[desk.draw(desk.speech.ends) if last else ""]),
    }


def _color(desk: Desk) -> str:
    if desk.about_self and desk.rng.random() < 0.4:
        return desk.about_self.pop(0)
    return desk.draw(desk.mood.opens) if desk.rng.random() < 0.6 else desk.draw(desk.voice.lead)


def _heart(desk: Desk) -> str:
    return desk.draw(desk.mood.acknowledged) if desk.rng.random() < desk.speech.eager * 0.7 else ""


def _not_covered(desk: Desk, thing: str) -> str:
    line = desk.draw(NOT_COVERED if desk.grounded else _NO_DOCUMENT, thing=thing)
    return line or f"I have no rule on {thing} to go by."


def _ask_somewhere(desk: Desk) -> str:
    return desk.draw(ASK_MEMBER if desk.member else ASK_STAFF if desk.ours else ASK_ANY)


def _outside(desk: Desk, last: bool) -> Exchange | None:
    if not desk.gaps:
        return None
    chosen = desk.gaps.pop()
    asked = capitalise(re.sub(r"^And ", "", chosen.asked))
    user = desk.turn(_color(desk), desk.draw(_BRIDGES), asked)
    item = desk.take()
    main = framed(desk, item, "", plain=True) if item and desk.grounded else ""
    still = f"{desk.draw(_STILL)} {lower_first(main) or main}" if main else ""
    silent, ask = _not_covered(desk, chosen.thing), _ask_somewhere(desk)
    guess = desk.draw(NO_GUESS) if desk.manner != "concise" else ""
    return {"user": user, "assistant": desk.answer(silent, still, guess, ask)}


def _rumor(desk: Desk, last: bool) -> Exchange | None:
    """Someone was told another figure than the one in the source."""
    item = next((f for f in desk.left if f.priced and _misheard(desk, f)), None)
    if item is None or not desk.grounded:
        return None
    desk.left.remove(item)
    wrong = _misheard(desk, item)
    slots = {"wrong": wrong, "Wrong": wrong, "subject": item.subject}
    about = "" if _mentions(item.subject, desk.slots["topic"]) else f"My question is about {desk.slots['topic']}."
    user = desk.turn(_color(desk), about, desk.draw(RUMORS, **slots))
    pieces = [desk.draw(RUMORS_ANSWERED, **slots), framed(desk, item, "", plain=True), desk.draw(RUMOR_UNKNOWN)]
    return {"user": user, "assistant": desk.answer(*pieces, optional=[_ask_somewhere(desk)])}


def _misheard(desk: Desk, item: Fact) -> str:
    """Another figure of the same form that the source does not contain."""
    figure = item.figures[0]
    number = re.search(r"\d[\d,]*(?:\.\d+)?", figure)
    if number is None or not (MONEY.match(figure) or PERCENT.match(figure) or TIME.match(figure)):
        return ""
    value = float(number[0].replace(",", ""))
    for factor in (0.5, 2, 1.5, 3, 0.25):
        made = value * factor
        if made >= 2 and made == int(made) and str(int(made)) not in desk.brief.source:
            return figure.replace(number[0], f"{int(made):,}")
    return ""


def _vague(desk: Desk, last: bool) -> Exchange | None:
    """A question that could mean two things."""
    if not desk.grounded or desk.clause:
        return None
    pair = [item for item in desk.left if item.subject and len(item.statement.text.split()) < 32][:2]
    if len(pair) < 2 or pair[0].subject == pair[1].subject:
        return None
    user = desk.turn(_color(desk), desk.draw(VAGUE))
    for item in pair:
        desk.left.remove(item)
    one, two = (framed(desk, item, "", plain=True) for item in pair)
    slots = {"one": _yours(pair[0].subject), "two": _yours(pair[1].subject)}
    start = desk.rng.choice(["In the first case", "On the first", "If it is the first"])
    other = {
        "In the first case": "In the second",
        "On the first": "On the second",
        "If it is the first": "If it is the second",
    }[start]
    cases = [f"{start}: {lower_first(one) or one}", f"{other}: {lower_first(two) or two}"]
    return {
        "user": user,
        "assistant": desk.answer(desk.draw(VAGUE_ANSWERED, **slots), *cases, optional=[desk.draw(VAGUE_ASK)]),
    }


def _contradiction(desk: Desk, last: bool) -> Exchange | None:
    """Two statements that can't both hold."""
    item = next((f for f in desk.left if f.subject), None)
    if item is None or not desk.grounded:
        return None
    desk.left.remove(item)
    if desk.rng.random() < 0.6:
        user = desk.turn(
            _color(desk), f"It concerns {desk.slots['topic']}.", desk.draw(TOLD_BOTH, subject=item.subject)
        )
        start = desk.draw(TOLD_BOTH_ANSWERED)
    else:
        user = desk.turn(_color(desk), desk.draw(WANTS_BOTH))
        start = desk.draw(WANTS_BOTH_ANSWERED)
    return {
        "user": user,
        "assistant": desk.answer(start, framed(desk, item, ""), desk.draw(BEYOND), _ask_somewhere(desk)),
    }


def _open_question(desk: Desk, last: bool) -> Exchange | None:
    """When nothing else fits: a question so wide that only part of it can be answered."""
    item = desk.take()
    user = desk.turn(_color(desk), f"Whatever the rule on {desk.slots['topic']} is, does it bind you for good?")
    main = framed(desk, item, "", plain=True) if item else ""
    return {
        "user": user,
        "assistant": desk.answer(_not_covered(desk, "how long it will hold"), main, _ask_somewhere(desk)),
    }


def _mentions(subject: str, topic: str) -> bool:
    return any(word in subject.lower() for word in re.findall(r"[a-z]{5,}", topic.lower()))


def _yours(subject: str) -> str:
    """The subject as the assistant says it: "my account" is the member's."""
    return re.sub(r"\bmy\b", "your", subject)
