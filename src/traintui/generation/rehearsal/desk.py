"""The state of one conversation while it is written: what may still be said, and how things are called."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from traintui.generation.rehearsal.brief import Brief
from traintui.generation.rehearsal.english import (
    capitalise,
    first_person,
    is_plural,
    label_in_text,
    lower_first,
    noun_phrase,
    sentences_of,
)
from traintui.generation.rehearsal.facts import Fact, Question, fact, related
from traintui.generation.rehearsal.gaps import Gap, gaps_of
from traintui.generation.rehearsal.manners import SPEECH, manner_for
from traintui.generation.rehearsal.moods import mood_for
from traintui.generation.rehearsal.passages import Statement, read_passages
from traintui.generation.rehearsal.phrases import GENERAL, GLOSSES, intent_for
from traintui.generation.rehearsal.voices import voice_for

_ASKED_BY_KIND: dict[str, tuple[str, ...]] = {
    "limit": ("Is there a limit that I should keep in mind?", "How far does that go?", "Where is the line drawn?"),
    "time": ("How long does that take, or last?", "What about the timing?", "Which periods should I know about?"),
    "money": (
        "What does it cost me in the end?",
        "Which amounts are we talking about?",
        "What figure should I plan for?",
    ),
    "rate": ("Which percentage are we talking about?", "What is the rate, then?"),
    "refusal": ("Is there anything that does not count?", "What is left out of it?", "Are there exceptions?"),
    "duty": ("Is there anything that I have to do for it?", "What is expected of me?", "What do I have to provide?"),
    "permission": ("Do I have any choice in the matter?", "What am I allowed to do about it?"),
    "free": ("What do I not have to pay for?", "Is any of it free?"),
    "deadline": (
        "Is there a deadline that I should know about?",
        "How much time do I have?",
        "By when do I have to act?",
    ),
    "steps": ("What are the steps, one by one?", "How do I go about it in practice?"),
    "condition": ("What does it depend on?", "Under which conditions does that hold?", "When exactly does that apply?"),
    "contact": ("Who do I talk to about this?", "Where do I turn with that?", "How do I reach the right person?"),
    "plain": (
        "What else should I know about {topic}?",
        "Is there something about {topic} that people tend to overlook?",
        "What else is written about {topic}?",
        "What other rules are there on {topic}?",
        "Is there more to {topic} than that?",
        "What comes on top of that?",
    ),
}
_CONTRACTIONS = {
    "can't": "cannot", "won't": "will not", "I'm": "I am", "I'd": "I would", "I'll": "I will", "let's": "let us",
    "Let's": "Let us",
    "that's": "that is", "That's": "That is", "it's": "it is", "You've": "You have", "you're": "you are",
}  # fmt: skip


_QUOTING = re.compile(r"\b(?:(?:the|this) (?:text|passage|document|wording)|is written|provisions)\b", re.I)
"""Lines that make no sense when there is no source."""


class Desk:
    """Everything the moves of a conversation draw from. Nothing is drawn twice."""

    def __init__(self, brief: Brief, rng: random.Random) -> None:
        self.brief = brief
        self.rng = rng
        self.voice = voice_for(brief.persona.words)
        self.mood = mood_for(brief.emotion.words)
        self.manner = manner_for(brief.tone.words)
        self.speech = SPEECH[self.manner]
        self.intent = intent_for(brief.intent.words)
        self.edge = brief.tier == "edge_case"
        self.most = 3 if self.manner == "concise" else 5
        self._pools: dict[Sequence[str], list[str]] = {}
        self._said: set[str] = set()
        self.slots = self._names()
        self.left = self._facts()
        self.gaps: list[Gap] = rng.sample(
            found := gaps_of(brief.source, f"{brief.topic.words} {brief.heading}"), len(found)
        )
        self.confirmable: list[Fact] = []
        self.about_self = self._about_self()

    def _names(self) -> dict[str, str]:
        brief = self.brief
        bare = re.sub(r"\.(?:md|txt|pdf|docx?|html?)$", "", brief.document, flags=re.I).replace("_", " ")
        bare = re.sub(r"(?<=\w)-(?=\w)", " ", bare) if bare == bare.lower() else bare
        bare = re.sub(r"^the\s+", "", bare, flags=re.I).strip()
        document = f"the {label_in_text(bare)}" if bare else "the document"
        self.document = label_in_text(bare) if bare else "document"
        self.clause = re.match(r"(?:how|what|when|why|who|which|whether|where)\b", brief.topic.label, re.I) is not None
        topic = noun_phrase(brief.topic.label, "the") if brief.topic.label else "this"
        plural = is_plural(topic) and not self.clause
        place = brief.heading.split(">")[-1].strip()
        return {
            "topic": "this" if self.clause else topic,
            "work": "work" if plural else "works",
            "do": "do" if plural else "does",
            "were": "were" if plural else "was",
            "doc": document,
            "Doc": capitalise(document),
            "place": f"\u201c{place}\u201d" if place else "the part on this topic",
        }

    def _facts(self) -> list[Fact]:
        """What the source says, nearest to the topic first; general advice when there is no source."""
        brief = self.brief
        statements = read_passages(brief.source, self.document, brief.heading)
        self.grounded = bool(statements)
        self._source = re.sub(r"\s+", " ", brief.source)
        self.member = re.search(r"credit union|\bmembers?\b|\bbranch", brief.source + brief.document, re.I) is not None
        self.ours = re.search(r"\b(?:we|our|us)\b", brief.source, re.I) is not None
        if not statements:
            statements = [Statement((said,), asked=asked) for asked, said in GENERAL]
        unique = list({statement.text: statement for statement in statements}.values())
        facts = [fact(place, statement) for place, statement in enumerate(unique)]
        if not self.grounded:
            facts = [replace(item, kind="plain") for item in facts]
        return related(facts, f"{brief.topic.label} {brief.topic.description}", brief.intent.words, self.rng)

    def _about_self(self) -> list[str]:
        """Sentences of the person made from the descriptions in the brief."""
        made = [first_person(self.brief.persona.description), first_person(self.brief.emotion.description)]
        return [sentence for sentence in made if sentence]

    # Drawing lines

    def draw(self, pool: Sequence[str], **slots: str) -> str:
        """A line of `pool` that this conversation has not used, or "" when none is left."""
        if pool not in self._pools:
            self._pools[pool] = self.rng.sample(list(pool), len(pool))
        lines = self._pools[pool]
        while lines:
            line = lines.pop()
            if self.edge and re.search(
                r"(?:clear|straight|short) answer|in the text\.|gives a|can be answered|covers this", line
            ):
                continue
            if not self.grounded and _QUOTING.search(line):
                continue
            made = line.format(**{**self.slots, **slots}) if "{" in line else line
            if self.new(made):
                return capitalise(made)
        return ""

    def new(self, text: str) -> bool:
        """Whether no sentence of `text` has been said yet."""
        return not any(_key(sentence) in self._said for sentence in sentences_of(text) if len(sentence.split()) > 3)

    def say(self, text: str) -> str:
        """`text`, remembered as said."""
        self._said.update(_key(sentence) for sentence in sentences_of(text))
        return text

    # Facts

    def verbatim(self, text: str) -> bool:
        """Whether the source says exactly this, so that it may stand in quotation marks."""
        return text in self._source and "\u201c" not in text

    def take(self, *kinds: str, with_subject: bool = False, with_figure: bool = False) -> Fact | None:
        """The next fact, of one of `kinds` if any are named."""
        for item in self.left:
            if kinds and item.kind not in kinds:
                continue
            if (with_subject and not item.subject) or (with_figure and not item.figures):
                continue
            if not self.new(item.statement.text):
                continue
            self.left.remove(item)
            if item.priced:
                self.confirmable.append(item)
            return item
        return None

    def neighbor(self, item: Fact) -> Fact | None:
        """A fact that goes well beside `item`: near it in the source, or about the same words."""
        near = [
            other for other in self.left if abs(other.place - item.place) <= 2 or len(other.words & item.words) >= 3
        ]
        for other in near:
            if other.kind not in {"steps", "contact"} and not other.statement.asked:
                self.left.remove(other)
                return other
        return None

    def question(self, item: Fact) -> Question:
        """How the person asks for a fact."""
        fitting = [question for question in item.questions if self.new(question[0])]
        if fitting and (item.statement.asked or item.kind != "contact"):
            second = len(fitting) > 1 and not item.statement.asked and self.rng.random() < 0.3
            chosen = fitting[1] if second else fitting[0]
            if not chosen[0].startswith("What about ") or self.rng.random() < 0.75:
                return chosen
        drawn = self.draw(_ASKED_BY_KIND.get(item.kind, _ASKED_BY_KIND["plain"]))
        if drawn:
            return drawn, ""
        if fitting:
            return fitting[0]
        return self.draw(_ASKED_BY_KIND["plain"]) or "What else is there?", ""

    def gloss(self, item: Fact) -> str:
        """A plain comment on a fact, safe for its kind."""
        return self.draw(GLOSSES.get(item.kind, GLOSSES["plain"])) or self.draw(GLOSSES["plain"])

    # Putting turns together

    def answer(self, *pieces: str, optional: Sequence[str] = ()) -> str:
        """An answer of at most five sentences: `pieces` always, each of `optional` while there is room."""
        kept = [piece for piece in pieces if piece]
        count = sum(len(sentences_of(piece)) for piece in kept)
        for piece in optional:
            more = len(sentences_of(piece)) if piece else 0
            if piece and count + more <= self.most:
                kept.append(piece)
                count += more
        text = joined(kept)
        if self.manner == "formal":
            text = re.sub(r"[A-Za-z]+'[a-z]+", lambda m: _CONTRACTIONS.get(m[0], m[0]), text)
        return self.say(text)

    def turn(self, *pieces: str) -> str:
        """A user turn; of two pieces that start with the same word the second is left out, unless it asks something."""
        kept: list[str] = []
        for piece in pieces:
            start = piece.split()[0].rstrip(",.") if piece else ""
            echo = kept and start in {"Good", "Okay", "Thank", "Thanks", "Great"} and kept[-1].startswith(start)
            if piece and (not echo or "?" in piece):
                kept.append(piece)
        return self.say(joined(kept))


def joined(pieces: Sequence[str]) -> str:
    """Sentences in a row; what follows a colon goes on in lower case where that is safe."""
    text = ""
    for piece in pieces:
        if text.endswith(":"):
            question = re.match(
                r"(?:What|How|Is|Are|Can|Do|Does|Who|Where|Which|When|Will|Would|Should|Am|Could|Under|So|And|Does)\b",
                piece,
            )
            piece = piece[0].lower() + piece[1:] if question else (lower_first(piece) or piece)
        text = f"{text} {piece}".strip()
    return text


def _key(sentence: str) -> str:
    return re.sub(r"[^a-z0-9$%]+", " ", sentence.lower()).strip()
