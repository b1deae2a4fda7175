"""What an assistant says around the facts: how it begins, attributes, connects, comments and ends."""

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
        ("Thank you for asking about this.", "I am glad that you came to us with it.", "Let's look at this together.", "We can work this out.", "That is a good thing to ask.", "I am happy to go through {topic} with you."),
        ("Tell me if you would like to go over any part of it again.", "Take your time with it, and ask whatever is still open.", "If anything about it worries you, just say so.", "We can look at your own case whenever you like.", "Please ask again if a word of it is unclear."),
        ("Please come back whenever something else comes up.", "You are doing the right thing by looking into it.", "I am glad we could go through it together.", "Take care, and do ask again if it does not work out as described.", "I hope that makes the next step easier.", "You are welcome here with any question, large or small."),
        0.75,
    ),
    "friendly": Manner(
        ("Sure thing.", "Happy to help with that.", "Good one, let's have a look.", "No problem at all.", "Great that you ask.", "Yes, let's clear up {topic}."),
        ("Shout if you want an example.", "Want to go through your own numbers? Just send them.", "If that raises another question, fire away.", "I can put it another way if that helps.", "Let me know how it goes."),
        ("Any time!", "Glad that helped.", "Have a good one, and drop by again if you need to.", "That's all there is to it.", "Good luck with it!", "You've got this."),
        0.65,
    ),
    "formal": Manner(
        ("Thank you for your inquiry.", "I will gladly set out the rules.", "Allow me to explain.", "The relevant provisions are as follows.", "Your question about {topic} can be answered from the text.", "I will answer in the order of the document."),
        ("Should you require the exact passage, I will gladly quote it.", "Please let me know if a further point needs explanation.", "I can also address your particular case if you describe it.", "You may wish to keep this for your records.", "Please do not hesitate to ask about the exceptions."),
        ("Please do not hesitate to write again.", "I trust that this answers your question.", "Thank you for taking the time to ask.", "We remain at your service for any further question.", "I hope that this is of assistance.", "Please retain the document for your records."),
        0.5,
    ),
    "concise": Manner(
        ("In short:", "Here is the rule.", "Briefly:", "The answer first.", "Two points.", "The essentials:"),
        ("Ask if you need the exact wording.", "More detail on request.", "Send the date and I can be more exact."),
        ("That is all of it.", "Nothing more is needed.", "That covers it.", "Done."),
        0.15,
    ),
    "plain": Manner(
        ("Here is what applies.", "Let me go through what is written on it.", "The text covers this.", "That can be answered from the document.", "There is a rule for that.", "Here is how {topic} {work}."),
        ("If you tell me more about your case, I can point to the line that fits.", "I can give you the exact wording if you need it.", "Ask if you would like an example.", "Tell me if your case is different from that.", "I can also go through the exceptions."),
        ("That should cover it.", "Feel free to ask if anything else comes up.", "With that you have the main points.", "You can come back with more questions at any time.", "That is the whole of it, as far as the text goes.", "I hope that helps you decide."),
        0.45,
    ),
}  # fmt: skip

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
    "money": ("That is the figure to plan with.", "It helps to set that amount against what you expect to happen in a month.", "So you can work out in advance what it would come to.", "You will find the amount as a line of its own on your statement.", "That amount is the one to check your statement against.", "Knowing the figure makes it easier to compare your options."),
    "rate": ("What it comes to in dollars depends on the balance it is applied to.", "As it is a share and not a fixed sum, the amount moves with the balance.", "A quick way to check it is to apply it to your own balance.", "That is the rate to put into your own sums."),
    "time": ("It is worth marking that date in your calendar.", "So the timing matters as much as the amount.", "I would count the days from the date on your letter or statement.", "Acting early within that time leaves room for a mistake.", "If you are close to the end of that time, do not wait for a reminder."),
    "limit": ("That gives you an upper or lower line to plan around.", "Once you know where that line is, the rest is easier to judge.", "It is worth checking on which side of that line you are.", "So there is a boundary, and it is a firm one as far as the text goes."),
    "refusal": ("So you can leave that out of your sums.", "That rules out one thing you might have expected.", "It is one of the points that people often assume to be different.", "There is no further condition attached to it in this passage."),
    "duty": ("That part is not optional, so it is best done first.", "Having it ready beforehand saves a second visit.", "It is a short step, but nothing moves without it.", "I would put that at the top of your list."),
    "permission": ("Whether you use that is up to you.", "That is a choice you have, not something you must do.", "You can decide on that when the time comes.", "It is worth knowing even if you do not need it today."),
    "condition": ("So everything turns on whether that condition is met.", "If the condition does not fit your case, the rule does not either.", "It is worth checking that condition against your own dates and amounts.", "The order of events matters there."),
    "contact": ("Have your account details at hand, so that it goes quickly.", "A note of the date and the name of the person you spoke to is always useful.", "That is also the place for anything this passage leaves open.", "You will get an answer there that takes your own account into account."),
    "steps": ("Doing it in that order saves time.", "Each step is short by itself.", "Keep a copy of what you send.", "If you get stuck at one of them, stop there and ask."),
    "plain": ("That is the general rule, and it is a good place to start.", "It sounds dry, but it decides how the rest works.", "It helps to keep that in mind for the other points.", "Most of the other rules build on that one.", "That holds unless the text names an exception.", "So that is the frame within which the rest applies."),
}  # fmt: skip

NOT_COVERED = (
    "{Doc} does not say anything about {thing}.",
    "I looked for {thing} in {doc}, and there is nothing on it.",
    "Nothing in {doc} deals with {thing}.",
    "On {thing}, {doc} is silent.",
    "The passage I have does not mention {thing}.",
    "{Doc} leaves {thing} open.",
    "I find no rule on {thing} in the text that I have.",
    "The text I am working from stops short of {thing}.",
)
NO_GUESS = (
    "I would rather not guess.",
    "Anything I said beyond that would be a guess.",
    "I do not want to give you an answer that nobody has written down.",
    "So I can't give you a yes or a no on that point.",
    "It would be wrong of me to fill that gap with an assumption.",
    "An honest answer is that I do not know.",
    "I can't conclude from its silence that the answer is yes.",
)
ASK_MEMBER = (
    "A branch or the member service line can check that for your own account.",
    "Please ask at a branch before you rely on it.",
    "The people at your branch can tell you, and they can put it in writing.",
    "Member services would be the right place to ask.",
    "I would call member services and ask for the answer in writing.",
    "Someone with access to your account, at a branch or on the phone, can settle it.",
)
ASK_ANY = (
    "The people who issued the document are the ones to ask.",
    "Please ask the office that is responsible for it before you rely on it.",
    "I would ask the issuing office and keep the answer in writing.",
    "Whoever is responsible for the document can settle that.",
    "The contact named on the document would be the right place to ask.",
)
WRITTEN_AT = (
    "It is in {doc}, under {place}.",
    "You will find it in {doc}; look for {place}.",
    "Open {doc} and go to {place}.",
    "The place to look is {place} in {doc}.",
)
WHERE_ASKED = (
    "Where can I read that for myself?",
    "Where is all of that written down?",
    "Can you tell me where that stands, so that I can show it to someone?",
    "Which part of the document should I keep?",
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

RUMORS = (
    "Someone told me it is {wrong} when it comes to {subject}. Is that still true?",
    "A friend swears that it is {wrong} for {subject}. Who is right?",
    "I have an old leaflet here that says {wrong} for {subject}. Does that still count?",
    "On the phone I was told {wrong} for {subject}, but I am not sure that I heard it correctly. Can you confirm it?",
)
RUMORS_ANSWERED = (
    "I can't confirm {wrong}, because {doc} gives another figure.",
    "That does not match {doc}.",
    "{Wrong} is not the number in the text that I have.",
    "The two do not agree, and I can only go by {doc}.",
)
RUMOR_UNKNOWN = (
    "Where the other number comes from I can't tell; it may be an older version or a different product.",
    "It is possible that the other figure belongs to another account type, but nothing in this text says so.",
    "What I can't see is whether a different rule was agreed for your account.",
    "I do not know where the other figure comes from, so please do not rely on either until someone has looked at your account.",
)
VAGUE = (
    "It happened again, the thing with {topic}. Is that allowed?",
    "Does the usual rule on {topic} apply to mine as well?",
    "I mean the one from last time, with {topic}. How much was it again, or how long?",
    "Is it normal that it is like that with {topic}?",
    "They said that it depends. With {topic}, does mine count or not?",
)
VAGUE_ANSWERED = (
    "I want to be sure that I answer the right question, because that could mean more than one thing.",
    "I can't tell yet which case you mean, and the answer differs.",
    "That depends on something that I don't know yet.",
    "Before I say yes or no, I need to know which case it is.",
)
VAGUE_ASK = (
    "Which of the two is yours?",
    "Which of these comes closer to what happened?",
    "Can you tell me which one you mean, or give me the date?",
    "If you tell me what your statement or letter calls it, I can be more exact.",
)
VAGUE_SETTLED = (
    "It is the first of the two, I think.",
    "The second one sounds like mine.",
    "Hm, a bit of both, if I am honest.",
    "I would have to look at the letter again, but probably the first.",
)
CONTRADICTIONS = (
    "One page told me there is a rule about {subject}, and the next person I spoke to said there is none. Both can't be true.",
    "I want to keep everything as it is with {topic}, and at the same time I want it changed today. Is there a way to have both?",
    "My neighbor says that {subject} should not concern me at all, and my letter says the opposite. Which is it?",
)
CONTRADICTED = (
    "Both can't hold, so I will stay with what is written.",
    "I can only settle that as far as the text goes.",
    "I was not part of the other conversation, so I can't say what was meant there.",
    "Let me separate what is written from what I can't know.",
)
OPENERS: dict[str, tuple[str, ...]] = {
    "understand": ("Can you explain how {topic} {work}?", "How {do} {topic} actually work?", "What exactly are the rules on {topic}?", "Could you walk me through {topic}?", "What do I need to know about {topic}?", "I am trying to understand {topic}. What does it come down to?"),
    "dispute": ("I don't think that {topic} {were} handled correctly in my case. What are the rules?", "Can anything be done about {topic}?", "On what grounds can I object when it comes to {topic}?", "I want to challenge something about {topic}. What does the text say?", "Who decides about {topic}, and by which rule?"),
    "apply": ("What do I need for {topic}?", "How do I get started with {topic}?", "What are the conditions for {topic}?", "I want to go ahead with {topic}. What is required?", "What should I have ready for {topic}?"),
    "compare": ("What are my options with {topic}?", "How do the choices differ when it comes to {topic}?", "I have to decide something about {topic}. What speaks for what?", "Which differences matter with {topic}?", "What should I weigh up about {topic}?"),
    "avoid": ("How can I stay out of trouble with {topic}?", "What should I plan for with {topic}?", "How do I make sure that {topic} {do} not catch me out?", "What can I do in advance about {topic}?", "What triggers a problem with {topic}?"),
    "check": ("Can you check for me what applies to {topic}?", "Do the rules on {topic} apply to someone like me?", "What are the conditions when it comes to {topic}?", "I want to confirm something about {topic}. What is the rule?", "Where do I stand when it comes to {topic}?"),
    "end": ("I want to be done with {topic}. What do I have to observe?", "How do I put an end to it when it comes to {topic}?", "What happens to {topic} if I leave?", "What has to be done before I can close the matter of {topic}?"),
}  # fmt: skip
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
    ("What should I look at first?", "The written terms come first, because they name the amounts and dates that count."),
    ("What do people usually overlook?", "People most often overlook the date from which a period is counted."),
    ("How do I know if it applies to me?", "Whether it applies depends on the kind of account or agreement you have."),
    ("What should I have ready when I ask about it?", "Have the latest letter or statement ready, along with the date of the event."),
    ("Is it worth getting an answer in writing?", "An answer in writing is worth the extra day, since both sides can go back to it."),
    ("What if I disagree with what I am told?", "If you disagree, say so early and name the line of the terms that you rely on."),
    ("How long should I keep the papers?", "Keep the papers until the matter is closed and the next statement is correct."),
    ("Should I wait, or act right away?", "Where a deadline is involved, acting early costs nothing and keeps your choices open."),
    ("What can go wrong?", "Most problems come from an assumption that nobody checked against the terms."),
    ("Can I change my mind afterwards?", "Whether you can change your mind is normally set out next to the rule on signing."),
    ("Who else should know about it?", "Anyone whose name is on the agreement should know before something is changed."),
    ("How can I tell that it is settled?", "It is settled once you see it on paper and the amounts agree."),
    ("How much should I set aside for it?", "Set aside the amount in the written terms, and a little more until it is confirmed."),
    ("What is the best way to ask?", "A short message with the date, the amount and one question gets the clearest reply."),
)
"""Sensible things to ask and say about any topic, for a prompt without a source."""
