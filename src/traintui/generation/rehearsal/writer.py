"""Conversations written by rule: who asks what in which order, and what the answer is made of."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

from traintui.generation.rehearsal.brief import Brief
from traintui.generation.rehearsal.desk import Desk
from traintui.generation.rehearsal.edges import edge_opening, gap, who_to_ask
from traintui.generation.rehearsal.english import capitalise, label_in_text, lower_first, sentences_of
from traintui.generation.rehearsal.facts import Fact
from traintui.generation.rehearsal.framing import added, framed
from traintui.generation.rehearsal.phrases import (
    CHECKED,
    CHECKS,
    IN_THAT_CASE,
    NEXT_ASKED,
    NEXT_MORE,
    NEXT_STEPS,
    OPENERS,
    RIGHT,
    WHERE_ASKED,
    WHERE_GLOSS,
    WRITTEN_AT,
)
from traintui.generation.rehearsal.situations import DAYS, SIZES, Situation, situations_for

Exchange = dict[str, str]
Move = Callable[[Desk, bool], Exchange | None]
"""Writes one exchange, or None when the source does not allow it; the flag says that it is the last one."""

_VERB_FIRST = re.compile(
    r"(?:understand|find|learn|know|get|dispute|avoid|apply|compare|plan|decide|choose|open|close"
    r"|check|confirm|report|fix|ask|see|save"
    r"|reduce|prepare|cancel|stop|change|request|start|set|make|pay|complain|verify|clarify|resolve"
    r"|explore|challenge|join|move|send)\b",
    re.I,
)


def write_exchanges(brief: Brief, seed: str) -> list[Exchange]:
    """As many exchanges as the brief asks for. The same brief and seed give the same text."""
    desk = Desk(brief, random.Random(seed))  # noqa: S311 - repeatable on purpose
    count = brief.exchanges
    written = [(edge_opening if desk.edge else _opening)(desk, count == 1)]
    gap_at = desk.rng.randrange(1, max(2, count - 1)) if desk.edge and count >= 3 else -1
    for index in range(1, count):
        last = index == count - 1
        moves: list[Move] = _last_moves(desk) if last else [gap] if index == gap_at else _middle_moves(desk)
        exchange = next(
            (made for move in [*moves, _ask, _confirm, _where, gap, _next] if (made := move(desk, last))), None
        )
        written.append(exchange or _general(desk, last))
    return written


def _middle_moves(desk: Desk) -> list[Move]:
    drawn = desk.rng.random()
    if drawn < 0.14:
        return [_confirm]
    if drawn < 0.2 and desk.brief.tier != "template":
        return [_next]
    return [_ask]


def _last_moves(desk: Desk) -> list[Move]:
    drawn = desk.rng.random()
    if desk.edge:
        return [who_to_ask] if drawn < 0.5 else [_thanks] if drawn < 0.7 else [gap] if drawn < 0.85 else [_ask]
    if desk.brief.tier == "scenario":
        return [_next] if drawn < 0.4 else [_confirm] if drawn < 0.6 else [_thanks] if drawn < 0.8 else [_ask]
    return [_ask] if drawn < 0.4 else [_confirm] if drawn < 0.65 else [_where] if drawn < 0.8 else [_thanks]


# The first exchange


def _opening(desk: Desk, last: bool) -> Exchange:
    if desk.brief.tier == "scenario":
        told, situation = _situation(desk)
        named, first = situation.named, _first_fact(desk)
        after = desk.rng.random() < 0.5 and not desk.clause
        question, short = (desk.draw(IN_THAT_CASE), "") if after else _first_question(desk, first)
        color = _color(desk) if desk.rng.random() < 0.75 else ""
        life = desk.draw(desk.voice.life) if desk.rng.random() < 0.75 else desk.draw(desk.voice.lead)
        user = desk.turn(life, told, color, question)
        about = desk.rng.choice(
            [
                f"For {named}, this is the part that matters:",
                f"With {named} in mind, the first thing to know is this:",
                f"In a case like {named}, start from this:",
                f"Here is what bears on {named}:",
                f"As for {named}, the text has this:",
            ]
        )
        heart = "" if desk.manner == "concise" else desk.draw(desk.mood.acknowledged)
        main = framed(desk, first, "", plain=True)
        lead = f"{about} {lower_first(main) or main}" if not short else framed(desk, first, short)
        pieces = [heart, lead]
    else:
        first = _first_fact(desk)
        question, short = _first_question(desk, first)
        colors = [_color(desk), desk.draw(desk.voice.lead)]
        desk.rng.shuffle(colors)
        kept = colors if desk.rng.random() < 0.35 else colors[:1]
        user = desk.turn(question, *kept) if desk.rng.random() < 0.2 else desk.turn(*kept, question)
        kind = desk.rng.random() < desk.speech.eager
        start = desk.draw(desk.mood.acknowledged) if kind and desk.rng.random() < 0.5 else desk.draw(desk.speech.starts)
        pieces = ["" if short else start, framed(desk, first, short)]
    if not desk.grounded:
        pieces.insert(1, desk.draw(_UNGROUNDED))
    return {"user": user, "assistant": desk.answer(*pieces, optional=_more(desk, first, last))}


_UNGROUNDED = (
    "I have no document on {topic} in front of me, so take this as general guidance.",
    "Without the written terms at hand I can only speak in general about {topic}.",
    "I have nothing on {topic} to go by here, so I will stay with what holds in general.",
)


_OPENING_KINDS = (
    *("money", "rate", "free", "limit", "refusal", "deadline", "time", "duty", "condition", "permission", "plain"),
    "steps",
)
"""Any kind but a contact: nobody starts by being sent elsewhere."""


def _first_fact(desk: Desk) -> Fact:
    found = desk.take(*_OPENING_KINDS) or desk.take()
    assert found is not None  # noqa: S101 - there is always general advice
    return found


def _first_question(desk: Desk, first: Fact) -> tuple[str, str]:
    """The question that opens: by intent and topic, or straight for the fact after saying what it is about."""
    brief = desk.brief
    if desk.clause:
        topic = label_in_text(brief.topic.label)
        return desk.rng.choice(
            [f"Can you tell me {topic}?", f"I would like to know {topic}.", f"Could you explain {topic}?"]
        ), ""
    aim = _aim(desk)
    drawn = desk.rng.random()
    if drawn < 0.45 or not first.questions:
        opener = desk.draw(OPENERS[desk.intent])
        return (f"{aim} {opener}" if aim and drawn < 0.2 and not opener.startswith("I ") else opener), ""
    question, short = desk.question(first)
    topic = desk.slots["topic"]
    about = aim or desk.rng.choice(
        [f"My question is about {topic}.", f"It is about {topic}.", f"I want to ask about {topic}."]
    )
    if aim and topic.lower() not in aim.lower():
        about = f"{aim.rstrip('.')}, and it has to do with {topic}."
    return f"{about} {question}", short


def _aim(desk: Desk) -> str:
    """The intent as a sentence of the person, when its label is a verb phrase."""
    label = label_in_text(desk.brief.intent.label)
    if not label or not _VERB_FIRST.match(label):
        return ""
    mine = re.sub(r"\btheir\b", "my", label)
    start = desk.rng.choice(["I want to", "I would like to", "I am trying to", "I need to"])
    return f"{start} {mine}."


def _situation(desk: Desk) -> tuple[str, Situation]:
    """A situation that fits the topic, told with its day and amounts; what bears on it in the source comes first."""
    fitting = situations_for(desk.brief.topic.words)
    if fitting is situations_for(""):
        fitting = situations_for(desk.brief.heading.lower())
    chosen = desk.rng.choice(fitting)
    day = desk.rng.choice(DAYS)
    sizes = {size: desk.rng.choice(amounts) for size, amounts in SIZES.items()}
    if chosen.signs:
        desk.left.sort(key=lambda item: not re.search(chosen.signs, item.statement.text, re.I))
    return chosen.told.format(day=day, Day=capitalise(day), **sizes), chosen


def _color(desk: Desk) -> str:
    """A sentence that lets the feeling, or what the brief says of the person, be heard."""
    if desk.about_self and desk.rng.random() < 0.4:
        return desk.about_self.pop(0)
    return desk.draw(desk.mood.opens)


def _more(desk: Desk, item: Fact, last: bool) -> list[str]:
    """What may follow a fact: a neighboring fact, a comment, an offer or last words, in the order to try them."""
    others_need = desk.brief.exchanges
    spare = len(desk.left) > others_need
    beside = desk.neighbor(item) if spare and desk.rng.random() < 0.75 else None
    found = [added(desk, beside)] if beside else [desk.gloss(item)]
    if beside and desk.rng.random() < 0.3:
        found.append(desk.gloss(beside))
    if last and desk.manner != "concise":
        found.append(desk.draw(desk.speech.ends))
    elif desk.rng.random() < desk.speech.eager * 0.4:
        found.append(desk.draw(desk.speech.offers))
    return found


# Later exchanges


def _lead_in(desk: Desk, last: bool) -> str:
    """How a later user turn starts: a reaction of this person or this feeling, or nothing."""
    drawn = desk.rng.random()
    line = desk.draw(desk.voice.follow) if drawn < 0.42 else desk.draw(desk.mood.reacts) if drawn < 0.78 else ""
    if last and drawn > 0.6:
        ending = desk.rng.choice(
            ["One last thing:", "Last question:", "And finally:", "Then one more thing before I go:"]
        )
        return f"{line} {ending}".strip() if not line.endswith(":") else line
    if not line and desk.about_self and desk.rng.random() < 0.5:
        return desk.about_self.pop(0)
    return line


def _ask(desk: Desk, last: bool) -> Exchange | None:
    """The person asks for the next fact."""
    item = desk.take()
    if item is None:
        return None
    question, short = desk.question(item)
    user = desk.turn(_lead_in(desk, last), question)
    start = desk.draw(desk.mood.acknowledged) if not short and desk.rng.random() < desk.speech.eager * 0.25 else ""
    main = framed(desk, item, short)
    return {"user": user, "assistant": desk.answer(start, main, optional=_more(desk, item, last))}


def _confirm(desk: Desk, last: bool) -> Exchange | None:
    """The person repeats a figure to be sure of it."""
    fitting = [item for item in desk.confirmable if not item.subject.startswith(("what", "how"))]
    if not fitting or not desk.grounded:
        return None
    item = fitting[0]
    desk.confirmable.remove(item)
    slots = {"figure": item.figures[0], "Figure": item.figures[0], "subject": item.subject}
    checked = desk.draw(CHECKS, **slots)
    if not checked:
        return None
    user = desk.turn(desk.draw(desk.mood.reacts) if desk.rng.random() < 0.4 else "", checked)
    if last:
        user = desk.turn(user, desk.draw(desk.voice.close))
    following = desk.take()
    more = [added(desk, following)] if following else [desk.gloss(item)]
    if last:
        more.append(desk.draw(desk.speech.ends))
    return {"user": user, "assistant": desk.answer(desk.draw(RIGHT), desk.draw(CHECKED, **slots), optional=more)}


def _where(desk: Desk, last: bool) -> Exchange | None:
    """The person asks where it is written."""
    asked = desk.draw(WHERE_ASKED) if desk.grounded and desk.brief.document else ""
    written = desk.draw(WRITTEN_AT) if asked else ""
    if not written:
        return None
    user = desk.turn(_lead_in(desk, False), asked)
    optional = [desk.draw(WHERE_GLOSS), desk.draw(desk.speech.ends) if last else ""]
    return {"user": user, "assistant": desk.answer(written, optional=optional)}


def _next(desk: Desk, last: bool) -> Exchange | None:
    """The person asks what to do now."""
    asked, step = desk.draw(NEXT_ASKED), desk.draw(NEXT_STEPS)
    if not asked or not step:
        return None
    user = desk.turn(_lead_in(desk, False), asked)
    item = desk.take("steps", "contact", "duty") if desk.grounded else None
    main = framed(desk, item, "", plain=True) if item else desk.draw(NEXT_MORE)
    if item and item.kind == "steps":
        step = ""
    optional = [desk.draw(NEXT_MORE) if item else "", desk.draw(desk.speech.ends) if last else ""]
    return {"user": user, "assistant": desk.answer(step, main, optional=optional)}


def _thanks(desk: Desk, last: bool) -> Exchange | None:
    """The person closes, and the answer leaves one more useful fact."""
    item = desk.take()
    if item is None or not last:
        if item:
            desk.left.insert(0, item)
        return None
    parting = desk.rng.choice(
        [
            "Before you go, one more point that belongs to it:",
            "One thing to take along:",
            "One more thing that is easy to miss:",
        ]
    )
    lines = [desk.draw(desk.voice.close), desk.draw(desk.mood.ends)]
    desk.rng.shuffle(lines)
    user = desk.turn(
        *lines,
        desk.rng.choice(
            [
                "Is there anything else I should keep in mind?",
                "Did I forget to ask something?",
                "Anything you would add?",
            ]
        ),
    )
    main = framed(desk, item, "", plain=True)
    lead = f"{parting} {lower_first(main) or main}"
    return {"user": user, "assistant": desk.answer(lead, optional=[desk.gloss(item), desk.draw(desk.speech.ends)])}


def _general(desk: Desk, last: bool) -> Exchange:
    """When the source is used up and every other question has been asked: the person sums up."""
    user = desk.turn(desk.draw(desk.voice.close) or "I think that is everything.", desk.draw(desk.mood.ends))
    words = [desk.draw(desk.speech.offers), desk.draw(desk.speech.ends)]
    said = [word for word in words if word] or ["You are welcome.", "That is as far as the text goes."]
    if len(sentences_of(" ".join(said))) < 2:
        said.append("Anything beyond that would need a look at your own case.")
    return {"user": user, "assistant": desk.answer(*said)}
