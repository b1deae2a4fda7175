"""Tones of voice: how an assistant begins, what it offers and how it ends in each."""

from __future__ import annotations

import re
from dataclasses import dataclass

MANNERS = {
    "concise": r"concise|brief|short|direct|terse|to the point|crisp|straight|matter",
    "formal": r"formal|official|professional|businesslike|polite|respectful",
    "friendly": r"friendly|casual|informal|cheerful|upbeat|light|relaxed|conversational|encourag|playful|humor",
    "warm": r"warm|empath|kind|gentle|reassur|caring|support|patient|compassion|understanding|calm|sooth",
}
"""Tone words to one of four manners; anything else is plain."""


def manner_for(words: str) -> str:
    """warm, friendly, formal, concise or plain; "informal" is not formal."""
    best, place = "plain", len(words) + 1
    for manner, signs in MANNERS.items():
        found = re.search(rf"\b(?:{signs})", words)
        if found and found.start() < place:
            best, place = manner, found.start()
    return best


@dataclass(frozen=True, slots=True)
class Manner:
    """Lines of one tone: the start of the first answer, an offer on the way, the last words."""

    starts: tuple[str, ...]
    offers: tuple[str, ...]
    ends: tuple[str, ...]
    eager: float
    """How likely an answer carries more than the facts, 0 to 1."""


SPEECH: dict[str, Manner] = {
    "warm": Manner(
        (
            "Thank you for asking about this.",
            "I am glad that you came to us with it.",
            "Let's look at this together.",
            "We can work this out.",
            "That is a good thing to ask.",
            "I am happy to go through {topic} with you.",
        ),
        (
            "Tell me if you would like to go over any part of it again.",
            "Take your time with it, and ask whatever is still open.",
            "If anything about it worries you, just say so.",
            "We can look at your own case whenever you like.",
            "Please ask again if a word of it is unclear.",
        ),
        (
            "Please come back whenever something else comes up.",
            "You are doing the right thing by looking into it.",
            "I am glad we could go through it together.",
            "Take care, and do ask again if it does not work out as described.",
            "I hope that makes the next step easier.",
            "You are welcome here with any question, large or small.",
        ),
        0.75,
    ),
    "friendly": Manner(
        (
            "Sure thing.",
            "Happy to help with that.",
            "Good one, let's have a look.",
            "No problem at all.",
            "Great that you ask.",
            "Yes, let's clear up {topic}.",
        ),
        (
            "Shout if you want an example.",
            "Want to go through your own numbers? Just send them.",
            "If that raises another question, fire away.",
            "I can put it another way if that helps.",
            "Let me know how it goes.",
        ),
        (
            "Any time!",
            "Glad that helped.",
            "Have a good one, and drop by again if you need to.",
            "That's all there is to it.",
            "Good luck with it!",
            "You've got this.",
        ),
        0.65,
    ),
    "formal": Manner(
        (
            "Thank you for your inquiry.",
            "I will gladly set out the rules.",
            "Allow me to explain.",
            "The relevant provisions are as follows.",
            "I will answer your question about {topic} from the text.",
            "I will answer in the order of the document.",
        ),
        (
            "Should you require the exact passage, I will gladly quote it.",
            "Please let me know if a further point needs explanation.",
            "I can also address your particular case if you describe it.",
            "You may wish to keep this for your records.",
            "Please do not hesitate to ask about the exceptions.",
        ),
        (
            "Please do not hesitate to write again.",
            "I trust that this answers your question.",
            "Thank you for taking the time to ask.",
            "We remain at your service for any further question.",
            "I hope that this is of assistance.",
            "Please retain the document for your records.",
        ),
        0.5,
    ),
    "concise": Manner(
        ("In short:", "Here is the rule.", "Briefly:", "The answer first.", "Two points.", "The essentials:"),
        ("Ask if you need the exact wording.", "More detail on request.", "Send the date and I can be more exact."),
        ("That is all of it.", "Nothing more is needed.", "That covers it.", "Done."),
        0.15,
    ),
    "plain": Manner(
        (
            "Here is what applies.",
            "Let me go through what is written about it.",
            "The text covers this.",
            "That can be answered from the document.",
            "There is a rule for that.",
            "Here is what there is on {topic}.",
        ),
        (
            "If you tell me more about your case, I can point to the line that fits.",
            "I can give you the exact wording if you need it.",
            "Ask if you would like an example.",
            "Tell me if your case is different from that.",
            "I can also go through the exceptions.",
        ),
        (
            "That should cover it.",
            "Feel free to ask if anything else comes up.",
            "With that you have the main points.",
            "You can come back with more questions at any time.",
            "That is the whole of it, as far as the text goes.",
            "I hope that helps you decide.",
        ),
        0.45,
    ),
}
