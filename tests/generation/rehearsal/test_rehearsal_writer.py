"""Conversations written by rule read like conversations: grounded, varied, honest."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.rehearsal.rehearsal_helpers import FEES, SOURCES, prompt
from traintui.generation.rehearsal.brief import read_brief
from traintui.generation.rehearsal.english import first_person, label_in_text, noun_phrase, sentences_of, swap_speaker
from traintui.generation.rehearsal.moods import mood_for
from traintui.generation.rehearsal.passages import read_passages
from traintui.generation.rehearsal.voices import voice_for
from traintui.generation.rehearsal.writer import write_exchanges

PERSONAS = (
    "Anxious planner - wants to know every consequence before acting",
    "Busy parent - has little time",
    "Skeptic - distrusts banks",
    "Retired member",
    "Newcomer - moved here recently",
    "Small business owner",
    "Collector of stamps",
)
EMOTIONS = (
    "worried",
    "frustrated",
    "confused",
    "embarrassed",
    "calm",
    "hopeful",
    "stressed",
    "skeptical",
    "sad",
    "glad",
)
TONES = ("warm", "formal", "concise", "friendly", "plain")
TIERS = ("template", "scenario", "edge_case")

RESIDUE = re.compile(r"[{}<>|*#]|\bNone\b|\bnan\b|  |\.\.| ,| \.(?!\d)|\?\?|\(\)|:\s*$|[?!]\.", re.M)
"""What a broken pattern would leave in a text."""

FORTY = [
    prompt(document=document, persona=persona, emotion=emotion, tone=TONES[n % 5], tier=TIERS[n % 3], variation=n)
    for n, (document, persona, emotion) in enumerate(
        (list(SOURCES)[n % 3], PERSONAS[n % 7], EMOTIONS[(n * 3) % 10]) for n in range(40)
    )
]


def write(text: str) -> list[dict[str, str]]:
    return write_exchanges(read_brief(text), text)


def whole(exchanges: list[dict[str, str]]) -> str:
    return "\n".join(f"{exchange['user']}\n{exchange['assistant']}" for exchange in exchanges)


def figures_of(text: str) -> set[str]:
    return set(re.findall(r"\$\d[\d,.]*\d|\$\d|\b\d+(?= days| months)", text))


@pytest.mark.parametrize("text", FORTY)
def test_no_sentence_comes_twice_and_nothing_is_left_of_a_pattern(text: str) -> None:
    written = whole(write(text))
    counted = Counter(sentence for line in written.split("\n") for sentence in sentences_of(line))
    assert [sentence for sentence, count in counted.items() if count > 1 and len(sentence.split()) > 3] == []
    assert not RESIDUE.search(written), written


@pytest.mark.parametrize("text", FORTY)
def test_every_answer_has_two_to_five_sentences(text: str) -> None:
    for exchange in write(text):
        assert 2 <= len(sentences_of(exchange["assistant"])) <= 5, exchange["assistant"]


@pytest.mark.parametrize("text", FORTY)
def test_every_sentence_starts_with_a_capital_and_ends_with_a_stop(text: str) -> None:
    for exchange in write(text):
        for turn in exchange.values():
            assert turn == turn.strip() and turn[-1] in ".!?\u201d"
            for sentence in sentences_of(turn):
                assert sentence[0].isupper() or sentence[0] in "$\u201c0123456789" or sentence.startswith("skip"), (
                    sentence
                )


def test_forty_conversations_hardly_share_an_opening_or_an_answer() -> None:
    written = [write(text) for text in FORTY]
    openings = {exchanges[0]["user"] for exchanges in written}
    answers = Counter(exchange["assistant"] for exchanges in written for exchange in exchanges)
    assert len(openings) == 40
    assert max(answers.values()) <= 2
    assert sum(count > 1 for count in answers.values()) <= 3


def test_two_variations_of_one_cell_differ_visibly() -> None:
    variants = [write(prompt(variation=number, tier="scenario")) for number in range(8)]
    for one, other in combinations(variants, 2):
        first, second = set(sentences_of(whole(one))), set(sentences_of(whole(other)))
        assert len(first & second) / min(len(first), len(second)) < 0.5


def test_the_same_brief_and_seed_write_the_same() -> None:
    brief = read_brief(FORTY[5])
    assert write_exchanges(brief, "a") == write_exchanges(brief, "a") != write_exchanges(brief, "b")


@pytest.mark.parametrize(("tier", "count"), list(product(TIERS, (1, 2, 5, 8, 12))))
def test_there_are_as_many_exchanges_as_asked(tier: str, count: int) -> None:
    exchanges = write(prompt(tier=tier, exchanges=count))
    assert len(exchanges) == count
    assert all(exchange["user"] and exchange["assistant"] for exchange in exchanges)


@pytest.mark.parametrize("document", SOURCES)
def test_answers_say_what_the_source_says(document: str) -> None:
    _, source, _ = SOURCES[document]
    plain = re.sub(r"\s+", " ", source)
    found = 0
    for variation in range(10):
        for exchange in write(prompt(document=document, variation=variation)):
            figures = figures_of(exchange["assistant"])
            assert figures <= figures_of(plain), exchange["assistant"]
            found += len(figures)
    assert found >= 10


def test_a_quotation_is_word_for_word() -> None:
    plain = re.sub(r"\s+", " ", FEES)
    quoted = [
        match
        for variation in range(60)
        for match in re.findall(
            r"(?:like this|is|schedule): \u201c(.+?)\u201d", whole(write(prompt(variation=variation)))
        )
    ]
    assert quoted
    assert [text for text in quoted if text not in plain] == []


def test_the_user_sounds_like_the_persona_and_the_feeling() -> None:
    for persona, emotion in product(PERSONAS[:6], EMOTIONS):
        voice, mood = voice_for(persona.lower()), mood_for(emotion)
        lines = {*voice.lead, *voice.life, *voice.follow, *voice.close, *mood.opens, *mood.reacts, *mood.ends}
        users = " ".join(turn["user"] for turn in write(prompt(persona=persona, emotion=emotion, exchanges=4)))
        spoken = first_person(persona.partition(" - ")[2])
        assert any(line in users for line in lines) or (spoken and spoken in users)


def test_different_personas_get_different_voices() -> None:
    assert len({voice_for(persona.lower()).lead for persona in PERSONAS}) == len(PERSONAS)
    assert len({mood_for(emotion).opens for emotion in EMOTIONS}) == len(EMOTIONS)


def test_the_topic_and_the_intent_are_heard() -> None:
    for variation in range(10):
        users = " ".join(turn["user"] for turn in write(prompt(variation=variation, exchanges=4))).lower()
        assert "overdraft" in users


def test_a_scenario_tells_what_happened_before_it_asks() -> None:
    for variation in range(10):
        user = write(prompt(tier="scenario", variation=variation))[0]["user"]
        assert len(sentences_of(user)) >= 3
        assert re.search(r"\$\d|card|subscription", user)


def test_a_template_opens_shorter_than_a_scenario() -> None:
    def length(tier: str) -> float:
        return sum(len(write(prompt(tier=tier, variation=n))[0]["user"]) for n in range(20)) / 20

    assert length("template") < length("scenario")


@pytest.mark.parametrize("document", SOURCES)
def test_an_edge_case_is_honest_about_what_the_source_does_not_settle(document: str) -> None:
    honest = re.compile(
        r"does not say|silent|nothing|does not mention|leaves .+ open|no rule|stops short|can't|cannot|not the number"
        r"|does not match|do not agree|depends|before I say|want to be sure|guess|I won't|does not settle|I do not know"
        r"|pull in different",
        re.I,
    )
    for variation in range(15):
        answers = [
            turn["assistant"] for turn in write(prompt(document=document, tier="edge_case", variation=variation))
        ]
        assert honest.search(answers[0]), answers[0]
        assert re.search(r"branch|member service|staff|colleague|call|ask|tell me|Which of", " ".join(answers))


def test_a_wrong_figure_that_someone_heard_is_set_right() -> None:
    openings = [write(prompt(tier="edge_case", variation=variation))[0] for variation in range(40)]
    heard = [first for first in openings if re.search(r"told me it is|swears|leaflet|I was told \$", first["user"])]
    assert heard
    for exchange in heard:
        (wrong,) = figures_of(exchange["user"])
        assert wrong not in FEES
        assert figures_of(exchange["assistant"]) - {wrong} <= figures_of(FEES)


def test_without_a_source_it_says_so_and_stays_general() -> None:
    for tier, variation in product(TIERS, range(5)):
        text = f"<brief>\ntopic: Parking permits\ntier: {tier}\nexchanges: 3\nvariation: {variation}\n</brief>"
        written = whole(write(text))
        assert re.search(r"no document|in general|general|nothing in front of me|no text|can't look up", written), (
            written
        )
        assert "the document" not in written.lower().replace("the document are", "").replace("for the document", "")


@given(text=st.text(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_prompt_gets_a_conversation(text: str) -> None:
    exchanges = write(text)
    assert exchanges and all(exchange["user"].strip() and exchange["assistant"].strip() for exchange in exchanges)


@given(
    source=st.lists(
        st.sampled_from(
            [
                *("| a | b |", "|---|---|", "||", "- **Fee:** $5", "1. Go.", "We pay.", "", "# X?", "```", "It is so."),
                *("> You may go.", "-", "To get it, you need:", "- a form", "## Fees", "When?", "The fee is $5."),
            ]
        ),
        max_size=14,
    ),
    tier=st.sampled_from(TIERS),
    seed=st.integers(0, 50),
)
@settings(max_examples=200, deadline=None)
def test_any_markdown_gets_a_conversation(source: list[str], tier: str, seed: int) -> None:
    body = "\n".join(source)
    text = f'<brief>\ntopic: Fees\ntier: {tier}\nexchanges: 4\n</brief>\n<source document="x.md">\n{body}\n</source>'
    exchanges = write_exchanges(read_brief(text), str(seed))
    assert len(exchanges) == 4 and all(exchange["user"] and exchange["assistant"] for exchange in exchanges)


def test_a_brief_is_read_whatever_is_missing() -> None:
    brief = read_brief("<brief>\nTier: Edge case - hard ones\nexchanges: about 5 please\n</brief>")
    assert (brief.tier, brief.exchanges, brief.persona.label, brief.source) == ("edge_case", 5, "member", "")
    assert read_brief("exchanges: 900").exchanges == 12
    full = read_brief(prompt())
    assert (full.persona.label, full.persona.description) == (
        "Anxious planner",
        "wants to know every consequence before acting",
    )
    assert (full.document, full.heading) == ("Fee schedule", "Everyday accounts > Overdraft")
    assert full.source.startswith("## Overdraft")


def test_tables_lists_and_steps_become_statements() -> None:
    texts = [way for _, source, _ in SOURCES.values() for item in read_passages(source, "text") for way in item.ways]
    assert (
        "For a stop payment order, the fee is $30; the note beside it says \u201cvalid for six months\u201d." in texts
    )
    assert "There is no charge for an overdraft transfer from savings." in texts
    assert "With a reduced payment, you pay interest only for up to six months." in texts
    assert any(text.startswith("To open an account, you need a government photo ID, ") for text in texts)
    assert any(text.startswith("First, fill in the application") and text.endswith("deposit of $5.") for text in texts)


@pytest.mark.parametrize(
    ("theirs", "mine"),
    [
        ("we will contact you", "you will contact me"),
        ("you bring your account to zero", "I bring my account to zero"),
        ("if you are late", "if I am late"),
        ("we tell you the result", "you tell me the result"),
        ("our branch", "your branch"),
    ],
)
def test_the_speaker_is_swapped(theirs: str, mine: str) -> None:
    assert swap_speaker(theirs) == mine


@pytest.mark.parametrize(
    ("label", "phrase"),
    [
        ("Wire transfer, domestic", "a domestic wire transfer"),
        ("ATM outside the network", "an ATM outside the network"),
        ("Our own ATMs", "our own ATMs"),
        ("Overdraft, paid item", "an overdraft (paid item)"),
        ("Roth IRA", "Roth IRA"),
    ],
)
def test_labels_become_noun_phrases(label: str, phrase: str) -> None:
    assert noun_phrase(label) == phrase


def test_labels_lose_only_capitals_that_are_not_part_of_a_name() -> None:
    assert [label_in_text(label) for label in ("Overdraft fees", "ATM fees", "Roth IRA", "NSF")] == [
        "overdraft fees",
        "ATM fees",
        "Roth IRA",
        "NSF",
    ]


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        ("wants to know every consequence before acting", "I want to know every consequence before acting."),
        ("has little time and reads on the phone", "I have little time and read on the phone."),
        ("a parent of three", "I am a parent of three."),
        ("someone who worries", None),
    ],
)
def test_a_description_is_said_in_the_first_person_or_not_at_all(description: str, sentence: str | None) -> None:
    assert first_person(description) == sentence
