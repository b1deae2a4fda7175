"""What an assistant says around the facts: how it begins, attributes, connects, comments and ends."""

from __future__ import annotations

import re

ATTRIBUTED = (
    "According to {doc}, {fact}",
    "As {doc} has it, {fact}",
    "{Doc} says that {fact}",
    "{Doc} is clear that {fact}",
    "What {doc} says is that {fact}",
    "By the terms of {doc}, {fact}",
    "{Doc} puts it this way: {fact}",
    "The rule in {doc} is that {fact}",
)
QUOTED = (
    "{Doc} puts it like this: \u201c{Fact}\u201d",
    "The wording in {doc} is: \u201c{Fact}\u201d",
    "To quote {doc}: \u201c{Fact}\u201d",
)
ADDED = (
    "Also, {fact}",
    "On top of that, {fact}",
    "It also helps to know that {fact}",
    "In addition, {fact}",
    "Keep in mind that {fact}",
    "Please note as well that {fact}",
    "Connected with that, {fact}",
    "{Doc} adds that {fact}",
    "A second point: {fact}",
)
GLOSSES: dict[str, tuple[str, ...]] = {
    "money": (
        "That is the figure to plan with.",
        "There is no need to guess about that one.",
        "If your statement shows another amount, ask about it.",
        "With that you can work out in advance what it would come to.",
        "That is the amount to check your statement against.",
        "Knowing the figure makes it easier to compare your options.",
        "I would write that number down, since it is the one that counts.",
    ),
    "rate": (
        "What it comes to in dollars depends on the amount it is applied to.",
        "As it is a share and not a fixed sum, it grows with the amount.",
        "A quick way to check it is to apply it to your own figures.",
        "That is the rate to use in your own sums.",
    ),
    "free": (
        "So that is one cost you can leave out.",
        "You do not need to budget for that.",
        "That part, at least, costs you nothing.",
    ),
    "time": (
        "That gives you something to plan around.",
        "It is good to know that before you need it.",
        "Count it from your own dates.",
        "A note in your calendar will save you from counting twice.",
        "I would allow a little extra in your own planning.",
        "So you can work out the date yourself.",
    ),
    "deadline": (
        "I would mark that date in the calendar today.",
        "Acting early within that time leaves room for a mistake.",
        "If you are close to the end of that time, do not wait for a reminder.",
        "So the timing matters as much as the request itself.",
    ),
    "limit": (
        "That gives you a line to plan around.",
        "Anything beyond that number is outside of this rule.",
        "It is a fixed number, so you can check it quickly.",
        "It is worth checking on which side of that line you are.",
        "So there is a boundary, and the text states it plainly.",
        "Keep that number in mind before you decide.",
    ),
    "refusal": (
        "That rules out one thing you might have expected.",
        "It is one of the points that people often assume to be different.",
        "That is firm, as far as the text goes.",
        "It is good to know that before you plan around it.",
    ),
    "duty": (
        "That part is not optional, so it is best done first.",
        "It is a small step, but it has to be done.",
        "I would put that at the top of your list.",
    ),
    "permission": (
        "Whether you use that is up to you.",
        "It is a choice you have, not something you must do.",
        "You can decide on that when the time comes.",
        "It is worth knowing even if you do not need it today.",
    ),
    "condition": (
        "So everything turns on whether that condition is met.",
        "It is worth checking that condition against your own dates and amounts.",
        "If the condition does not fit your case, the rule does not apply either.",
        "The details of your case decide which side of that you are on.",
        "Look at the condition first and at the rest afterwards.",
        "It helps to check that point before anything else.",
        "You can tell from your own statement whether that fits.",
        "That condition is the part to remember.",
        "So it is worth knowing where you stand before you count on it.",
    ),
    "contact": (
        "Have your account details at hand, so that it goes quickly.",
        "It helps to note the date and the name of the person you speak to.",
        "You will get an answer there that takes your own account into account.",
    ),
    "steps": (
        "Doing it in that order saves time.",
        "Each step is short by itself.",
        "Keep a copy of whatever you hand in.",
        "If you get stuck on one of them, stop there and ask.",
    ),
    "plain": (
        "That is the general rule, and it is a good place to start.",
        "It helps to keep that in mind for the other points.",
        "That is how the text puts it, without further conditions in this passage.",
        "Much of the rest follows from that.",
        "It is a short rule, but people often overlook it.",
        "It is worth a note next to your own papers.",
        "You can rely on that as far as this text goes.",
    ),
}

WRITTEN_AT = (
    "It is in {doc}, under {place}.",
    "You will find it in {doc}; look for {place}.",
    "Open {doc} and go to {place}.",
    "The place to look is {place} in {doc}.",
)
WHERE_ASKED = (
    "Where can I read that for myself?",
    "Where is all of that written down?",
    "Can you tell me where to find that, so that I can show it to someone?",
    "Which part of the document should I keep a copy of?",
)
WHERE_GLOSS = (
    "The part we talked about is short, so it will not take you long.",
    "Read the sentences around it as well, because the exceptions usually stand next to the rule.",
    "If your copy reads differently, check which of the two is the newer one.",
    "I would print that page, or save it, with today's date.",
)
NEXT_ASKED = (
    "So what should I do first?",
    "What would you do now in my place?",
    "What is the next step for me?",
    "Where do I start?",
    "Then what do I do now?",
)
NEXT_STEPS = (
    "First, look at your latest statement and note the date and the amount in question.",
    "Begin with the dates: write down what happened on which day.",
    "I would start by checking which of these points fits your case.",
    "Start with what has a deadline, and leave the rest for afterwards.",
    "First, put the letter or statement in front of you and mark the line that you are asking about.",
    "I would begin by writing down the one question that is still open for you.",
)
NEXT_MORE = (
    "Then compare that with the rule we just went through.",
    "With that in hand, a short talk with the right person is usually enough.",
    "After that, the rest is a matter of one call or one visit.",
    "Keep a copy of everything that you send or receive.",
    "If the figures do not match, ask about it before you pay or sign anything.",
)
RIGHT = ("Yes, that is right.", "That is correct.", "Exactly.", "Yes, you have it right.", "You read that correctly.")
CHECKS = (
    "So if I have this right, it is {figure} for {subject}?",
    "Just to be sure, {figure} for {subject}, correct?",
    "Let me repeat it: {figure} for {subject}. Is that right?",
    "And {figure} is really the number for {subject}?",
)
CHECKED = (
    "{Figure} is what {doc} gives for {subject}.",
    "For {subject}, {figure} is the number to go by.",
    "The number that {doc} names there is {figure}.",
)
"""`figure` here is a number with its unit, so no capital is needed."""

OPENERS: dict[str, tuple[str, ...]] = {
    "understand": (
        "Can you explain how {topic} {work}?",
        "How {do} {topic} actually work?",
        "What exactly are the rules on {topic}?",
        "Could you walk me through {topic}?",
        "What do I need to know about {topic}?",
        "I am trying to make sense of {topic}. What does it come down to?",
    ),
    "dispute": (
        "I don't think {topic} {were} handled correctly in my case. What are the rules?",
        "Can anything be done about {topic}?",
        "On what grounds can I object when it comes to {topic}?",
        "I want to challenge something about {topic}. What does the text say?",
        "I disagree with how {topic} {were} handled. What can I point to?",
    ),
    "apply": (
        "What do I need to know about {topic} before I start?",
        "How do I go about it when it comes to {topic}?",
        "What are the conditions for {topic}?",
        "What is required when it comes to {topic}?",
        "Where do I begin with {topic}?",
    ),
    "compare": (
        "What are my options when it comes to {topic}?",
        "I have a decision to make about {topic}. What should I look at?",
        "Which differences matter when it comes to {topic}?",
        "What should I weigh up about {topic}?",
        "How do I find the better choice when it comes to {topic}?",
    ),
    "avoid": (
        "How can I stay out of trouble with {topic}?",
        "What should I plan for when it comes to {topic}?",
        "What can I do in advance about {topic}?",
        "What do I have to watch out for with {topic}?",
        "How do I keep {topic} from catching me out?",
    ),
    "check": (
        "Can you check for me what applies to {topic}?",
        "What are the conditions when it comes to {topic}?",
        "I want to confirm something about {topic}. What is the rule?",
        "Where do I stand when it comes to {topic}?",
        "What applies to someone like me when it comes to {topic}?",
    ),
    "end": (
        "I want to be done with {topic}. What do I have to do?",
        "What happens with {topic} if I leave?",
        "What has to be done before I can put {topic} behind me?",
    ),
}
IN_THAT_CASE = (
    "What applies in a case like mine?",
    "What does that mean for me?",
    "What are the rules for that?",
    "Where does that leave me?",
    "What should I know before I do anything?",
    "How does that work here?",
)
"""Questions that follow a situation the person has just told."""
INTENTS = {
    "dispute": r"disput|complain|refund|challeng|object|contest|waiv|report|appeal|fix|correct",
    "apply": r"apply|open|start|sign up|join|enrol|request|set up|register|get help|arrange",
    "compare": r"compar|choos|decid|option|select|weigh|switch",
    "avoid": r"avoid|plan|prevent|prepar|reduc|save|budget|protect|lower",
    "check": r"check|eligib|qualif|confirm|verif|status|whether|find out if",
    "end": r"cancel|clos|leav|stop|terminat|end\b|withdraw",
}


def intent_for(words: str) -> str:
    """The family of an intent, "understand" when it is of no other."""
    for family, signs in INTENTS.items():
        if re.search(rf"\b(?:{signs})", words):
            return family
    return "understand"


GENERAL: tuple[tuple[str, str], ...] = (
    (
        "What should I look at first?",
        "The written terms come first, because they name the amounts and dates that count.",
    ),
    ("What do people usually overlook?", "People most often overlook the date from which a period is counted."),
    ("How do I know if it applies to me?", "Whether it applies depends on the kind of account or agreement you have."),
    (
        "What should I have ready when I ask about it?",
        "Have the latest letter or statement ready, along with the date of the event.",
    ),
    (
        "Is it worth getting an answer in writing?",
        "An answer in writing is worth the extra day, since both sides can go back to it.",
    ),
    (
        "What if I disagree with what I am told?",
        "If you disagree, say so early and name the line of the terms that you rely on.",
    ),
    (
        "How long should I keep the papers?",
        "Keep the papers until the matter is closed and the next statement is correct.",
    ),
    (
        "Should I wait, or act right away?",
        "Where a deadline is involved, acting early costs nothing and keeps your choices open.",
    ),
    ("What can go wrong?", "Most problems come from an assumption that nobody checked against the terms."),
    (
        "Can I change my mind afterwards?",
        "Whether you can change your mind is normally set out next to the rule on signing.",
    ),
    (
        "Who else should know about it?",
        "Anyone whose name is on the agreement should know before something is changed.",
    ),
    ("How can I tell that it is settled?", "It is settled once you see it on paper and the amounts agree."),
    (
        "How much should I set aside for it?",
        "Set aside the amount in the written terms, and a little more until it is confirmed.",
    ),
    (
        "What is the best way to ask?",
        "A short message with the date, the amount and one question gets the clearest reply.",
    ),
)
"""Sensible things to ask and say about any topic, for a prompt without a source."""
