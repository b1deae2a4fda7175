"""How feelings sound, and how someone answers them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mood:
    """Lines of one feeling: how it opens, reacts and ends, and what a kind answer acknowledges."""

    signs: str
    opens: tuple[str, ...]
    reacts: tuple[str, ...]
    ends: tuple[str, ...]
    acknowledged: tuple[str, ...]


MOODS: tuple[Mood, ...] = (
    Mood(
        r"worr|anxi|nervous|afraid|fear|scared|uneasy|concern|apprehens",
        (
            "I have been worrying about this since yesterday.",
            "I am a bit nervous about getting this wrong.",
            "I keep thinking that I have missed something important.",
            "This has been going around in my head all week.",
            "I am afraid I have misread something, and it could cost me.",
            "Sorry if I sound anxious, but this one keeps me awake.",
        ),
        (
            "That is a relief, but I am still not quite easy about it.",
            "Okay, that takes away some of the worry.",
            "I am still a little afraid of doing the wrong thing.",
            "I hope I am not worrying too much.",
            "My stomach still turns a little when I think about it.",
        ),
        (
            "I feel calmer now.",
            "I can stop worrying about it tonight.",
            "That is less frightening than I thought.",
            "I can breathe again.",
        ),
        (
            "I can hear that this has been on your mind, so let's take it step by step.",
            "It makes sense to ask before anything happens, and you have not missed anything by asking.",
            "You are right to check, and this is something we can clear up.",
            "There is no need to feel rushed here.",
            "That is a worry many people bring, and the text gives a clear answer to most of it.",
        ),
    ),
    Mood(
        r"frustrat|angry|anger|annoy|irritat|furious|upset|outrag|resent|impatien",
        (
            "I am honestly fed up with this.",
            "I have asked about this twice already and got nowhere.",
            "This really annoys me.",
            "I should not have to chase this, but here I am.",
            "I am losing patience with this.",
            "I was quite angry when I saw this.",
        ),
        (
            "That still does not make me happy.",
            "Well, somebody could have told me that earlier.",
            "I still find that annoying, but at least it is an answer.",
            "It should not take this much effort to find out.",
            "Okay, I am trying to stay calm about it.",
        ),
        (
            "At least now I have a proper answer.",
            "I am still not thrilled, but that is clear.",
            "That should have been the first thing anyone told me.",
            "Good, then I don't have to ask a third time.",
        ),
        (
            "I am sorry that it took you this much effort to get an answer.",
            "I understand why that is annoying, so here is what is written down.",
            "You should not have to chase this, so let me be direct.",
            "That sounds frustrating, and you deserve a straight answer.",
            "I see why you are upset, and I will stick to what the text says.",
        ),
    ),
    Mood(
        r"confus|lost|overwhelm|puzzl|unsure|uncertain|bewilder|baffl|perplex|unclear",
        (
            "I am completely lost here.",
            "I have read it three times and I am more confused than before.",
            "All the terms are starting to blur together.",
            "I don't even know which question to ask first.",
            "There is so much text that I can't see the part that concerns me.",
            "I thought I understood this, and then I read it again.",
        ),
        (
            "I think I follow, but I am not sure.",
            "Okay, one piece of the puzzle is in place.",
            "I had mixed that up with something else.",
            "That part is clear now, the rest is still fog.",
            "Right, I was looking at it the wrong way round.",
        ),
        (
            "Now it makes sense.",
            "The fog has lifted a little.",
            "I wish it had been put like that in the first place.",
            "I can follow it now, step by step.",
        ),
        (
            "This is easier once it is in the right order, so let's start at the beginning.",
            "It is easy to get lost in this, so I will take one point at a time.",
            "Let me put it in plain words.",
            "That is a lot of text for what is really a short answer.",
            "You are not the only one who finds this hard to read.",
        ),
    ),
    Mood(
        r"asham|embarrass|guilt|humiliat|awkward|sorry|regret|self.conscious",
        (
            "This is embarrassing to ask.",
            "I feel a bit foolish about this.",
            "I am ashamed to say that I let this slide.",
            "I hope you won't think badly of me for asking.",
            "I know I should have dealt with this sooner.",
            "I have put off asking because I felt stupid about it.",
        ),
        (
            "Thank you for not making a fuss about it.",
            "I still feel silly, but okay.",
            "I should have asked this months ago.",
            "It is easier to talk about than I thought.",
            "I would rather not have to explain this to anyone else.",
        ),
        (
            "Thank you for being kind about it.",
            "I feel less foolish now.",
            "I won't put it off again.",
            "I am glad that I asked after all.",
        ),
        (
            "There is nothing to be embarrassed about, and asking is the right first step.",
            "Thank you for bringing it up, it is a very ordinary question.",
            "Nobody will think less of you for asking this.",
            "It is good that you asked now, because there is a clear answer.",
            "Many people are in the same place, so let's look at what applies.",
        ),
    ),
    Mood(
        r"sad|grief|griev|heartbr|lonely|depress|discourag|despair|hopeless|defeat|tired|exhaust|weary",
        (
            "It has been a hard few weeks.",
            "I don't have much energy left for this.",
            "I am so tired of dealing with paperwork.",
            "I am not at my best right now, so please be patient.",
            "Everything feels heavy at the moment, and then this came.",
            "I nearly gave up on asking.",
        ),
        (
            "Okay, I can manage one step.",
            "That is a small light, at least.",
            "I will try to keep hold of that.",
            "I am slow today, sorry.",
            "One thing at a time, then.",
        ),
        (
            "Thank you for being gentle about it.",
            "That makes it a little lighter.",
            "I think I can manage that.",
            "It helps to have one thing settled.",
        ),
        (
            "I am sorry that things are so heavy right now, and I will keep this simple.",
            "Thank you for telling me, we will take only what you need today.",
            "There is no hurry, so let's look at one thing first.",
            "That sounds like a lot to carry, so here is the short version.",
            "You don't have to solve all of it at once.",
        ),
    ),
    Mood(
        r"urgen|stress|panic|pressed|desperat|hurried|alarm|frantic",
        (
            "I need an answer today, because the date is nearly here.",
            "This is urgent.",
            "I am under real pressure with this.",
            "I am close to panicking, to be honest.",
            "I only have until tomorrow to sort this out.",
            "Everything is happening at once, and this can't wait.",
        ),
        (
            "Okay, and I have to move fast.",
            "The clock is ticking, so let me go on.",
            "Right, that I can do at once.",
            "I can't afford to lose a day over this.",
            "Good, next thing, quickly.",
        ),
        (
            "Good, I'll get on with it right away.",
            "That gives me a chance to make it in time.",
            "Okay, I can slow down a little now.",
            "Then I know what to do in the next hour.",
        ),
        (
            "Let's take the most pressing part first.",
            "I will keep this short so that you can act on it.",
            "Here is what matters most for you right now.",
            "Take a breath, the important part fits into a few lines.",
            "I understand that time is short, so I'll come straight to it.",
        ),
    ),
    Mood(
        r"hope|optimis|excit|eager|enthusias|happy|joy|proud|motivat|determin|cheer",
        (
            "I am looking forward to having this settled.",
            "I am hopeful that there is a good way to do this.",
            "I am keen to get this moving.",
            "I have made up my mind to get this right from now on.",
            "I want to start on the right foot with this.",
            "I feel that this can still turn out well.",
        ),
        (
            "That sounds good to me.",
            "Good, that leaves me hopeful.",
            "I like that.",
            "Good, I am still keen.",
            "That gives me a push.",
        ),
        (
            "Great, I can't wait to start.",
            "That is good news for my plans.",
            "I am glad I asked before starting.",
            "Then nothing stands in my way.",
        ),
        (
            "This is a good moment to look at the details.",
            "It is a good sign that you are asking now.",
            "It is nice to start with a clear picture.",
            "I am glad that you are looking into this early.",
            "That is a good step to take.",
        ),
    ),
    Mood(
        r"grateful|thankful|glad|reliev|content|satisf",
        (
            "Thank you for helping me with this.",
            "You helped me last time, so I thought I would ask again.",
            "I am grateful that someone can explain this.",
            "I was relieved to find a place to ask.",
            "First of all, thanks for being there.",
            "I appreciate you taking the time.",
        ),
        (
            "Thank you, that is kind.",
            "I am glad that you told me.",
            "That is a weight off my mind.",
            "Thanks, that already helps a lot.",
            "I appreciate the clear answer.",
        ),
        (
            "Thank you so much.",
            "I really appreciate it.",
            "That was a great help.",
            "I am glad I asked you.",
        ),
        (
            "I am glad to help with this as well.",
            "It is good that you asked.",
            "Thank you for the kind words.",
            "That is a pleasure, and the answer is in the text.",
            "Happy to go through it with you.",
        ),
    ),
    Mood(
        r"suspic|distrust|skeptic|sceptic|wary|doubt|cynic|defensive|betray|mistrust",
        (
            "I am not sure that I believe what I was told.",
            "Something about this does not add up for me.",
            "I want to see what is actually written down.",
            "I have my doubts about this.",
            "Forgive me if I don't take that at face value.",
            "I have been given the runaround on this before.",
        ),
        (
            "I would not have guessed that from the leaflet.",
            "That sounds almost too simple.",
            "I am not fully convinced yet.",
            "Okay, I will take that for now.",
            "So that is how it works on paper.",
        ),
        (
            "All right, you have convinced me for now.",
            "That is a straight answer, thank you.",
            "I can check that myself, which is what I wanted.",
            "I trust it more now that I know where it is written.",
        ),
        (
            "It is fair to want this in writing, so I will stay with the text.",
            "Good, let's look at the wording and nothing else.",
            "You are right to check what you were told.",
            "I would rather show you the rule than ask you to trust me.",
            "I can only tell you what is written, and that is this.",
        ),
    ),
    Mood(
        r"calm|neutral|curious|interest|relaxed|patient|thoughtful|indifferent|matter.of.fact",
        (
            "I have a question about something I noticed.",
            "I am just curious about one thing.",
            "Here is something I have been meaning to look into.",
            "I have been reading up and would like to check something.",
            "I only want to understand how it is meant.",
            "Something caught my eye, and I wondered about it.",
        ),
        (
            "Interesting.",
            "That makes sense.",
            "I had wondered about that.",
            "Okay, that is clear.",
            "Good, that fits.",
        ),
        (
            "That answers my question.",
            "Good, now I know.",
            "That was interesting to learn.",
            "Clear, thank you.",
        ),
        (
            "Good question.",
            "Happy to explain.",
            "Gladly.",
            "That is worth knowing.",
            "Of course.",
        ),
    ),
)


def mood_for(words: str) -> Mood:
    """The mood whose signs come first in an emotion's words; a calm one when there are none."""
    best, place = MOODS[-1], len(words) + 1
    for mood in MOODS:
        found = re.search(rf"\b(?:{mood.signs})", words)
        if found and found.start() < place:
            best, place = mood, found.start()
    return best
