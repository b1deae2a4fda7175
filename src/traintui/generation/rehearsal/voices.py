"""Which kind of person a persona is, and how someone of no particular kind talks."""

from __future__ import annotations

import re

from traintui.generation.rehearsal.people import VOICES, Voice

ANYONE = Voice(
    "",
    (
        "I would like to get this right the first time.",
        "I looked for this myself but did not find a clear answer.",
        "I have a question that is probably simple for you.",
        "I hope you can clear something up for me.",
        "I was going through my papers and stopped at one point.",
    ),
    (
        "I sat down with my papers this morning.",
        "I have been meaning to ask about this for a while.",
        "I went over my statement at the kitchen table last night.",
        "A letter about this has been on my desk since last week.",
    ),
    (
        "That helps.",
        "Okay, I follow you so far.",
        "Thank you, that is clear.",
        "I see.",
        "Good to know.",
        "That answers the first part.",
    ),
    (
        "Thank you, that is what I needed.",
        "That clears it up for me.",
        "Good, then I know where I stand.",
        "Thanks, I can take it from here.",
    ),
)


def voice_for(words: str) -> Voice:
    """The voice whose signs a persona's words show most clearly; the first sign in the text decides."""
    best, place = ANYONE, len(words) + 1
    for voice in VOICES:
        found = re.search(rf"\b(?:{voice.signs})", words)
        if found and found.start() < place:
            best, place = voice, found.start()
    return best
