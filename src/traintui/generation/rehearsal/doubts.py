"""What is said around a request that the source does not settle."""

from __future__ import annotations

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
BEYOND = (
    "More than that I can't tell from the text.",
    "Anything I said beyond that would be a guess.",
    "What goes beyond that I would have to make up, and I won't.",
    "How it was meant for your own case I can't see from here.",
    "The text does not settle the rest of it.",
)
ASK_MEMBER = (
    "A branch or the member service line can check that for your own account.",
    "Please ask at a branch before you rely on it.",
    "The people at your branch can tell you, and they can put it in writing.",
    "Member services would be the right place to ask.",
    "I would call member services and ask for the answer in writing.",
    "Someone with access to your account, at a branch or on the phone, can settle it.",
)
ASK_STAFF = (
    "Someone on our staff can check that for your own case.",
    "Please call or write to us, and ask for the answer in writing.",
    "A colleague who can see your file can settle that.",
    "I would ask our staff before you rely on it.",
    "Our staff can look at your own case and give you a firm answer.",
)
ASK_ANY = (
    "The people who issued the document are the ones to ask.",
    "Please ask the office that is responsible for it before you rely on it.",
    "I would ask the issuing office and keep the answer in writing.",
    "Whoever is responsible for the document can settle that.",
    "The contact named on the document would be the right place to ask.",
)
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
    (
        "I do not know where the other figure comes from, so please do not rely on either until someone "
        "has looked at your account."
    ),
)
VAGUE = (
    "It came up again, the thing with {topic}. Is that allowed?",
    "Does the usual rule on {topic} apply to mine as well?",
    "I mean the one from last time, the one with {topic}. How much was it again, or how long?",
    "Is it normal that it is like that with {topic}?",
    "They said that it depends. With {topic}, does mine count or not?",
)
VAGUE_ANSWERED = (
    "I want to be sure that I answer the right question: you may mean {one}, or you may mean {two}.",
    "I can't tell yet whether this is about {one} or about {two}, and the answer differs.",
    "That depends on something I don't know yet, namely whether you mean {one} or {two}.",
    "Before I say yes or no, I need to know if we are talking about {one} or about {two}.",
)
VAGUE_ASK = (
    "Which of the two is yours?",
    "Which of these comes closer to what happened?",
    "Can you tell me which one you mean, or give me the date?",
    "If you tell me what your statement or letter calls it, I can be more exact.",
)
TOLD_BOTH = (
    (
        "One page told me there is a rule about {subject}, and the next person I spoke to said there is "
        "none. Both can't be true."
    ),
    "My neighbor says that {subject} should not concern me at all, and my letter says the opposite. Which is it?",
    "Two of your people told me two different things about {subject}. Which one do I go by?",
)
TOLD_BOTH_ANSWERED = (
    "Both can't hold, so I will stay with what is written.",
    "I was not part of the other conversation, so I can't say what was meant there.",
    "Let me separate what is written from what I can't know.",
    "I can settle that only as far as the text goes.",
)
WANTS_BOTH = (
    (
        "I want to keep everything as it is with {topic}, and at the same time I want it changed today. "
        "Is there a way to have both?"
    ),
    (
        "I want a written promise about {topic} for the future, but I don't want to sign or ask for "
        "anything. Can that be done?"
    ),
    (
        "I would like the better terms on {topic} right away and decide later whether I meet the "
        "conditions. Does that work?"
    ),
)
WANTS_BOTH_ANSWERED = (
    "I can't promise both at once, so here is what is written.",
    "Those two wishes pull in different directions, and the text only helps with a part of it.",
    "I see no rule that would allow both, but this much is certain.",
)
