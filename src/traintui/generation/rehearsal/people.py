"""How people of different kinds talk: what they say of themselves, how they go on, how they close."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Voice:
    """Lines of one kind of person. `lead` opens, `life` sets the scene of a situation, `follow` goes on."""

    signs: str
    """A pattern that tells this kind from a persona's label and description."""
    lead: tuple[str, ...]
    life: tuple[str, ...]
    follow: tuple[str, ...]
    close: tuple[str, ...]


VOICES: tuple[Voice, ...] = (
    Voice(
        r"planner|careful|cautious|organi[sz]|methodical|consequence|prepared",
        (
            "I like to have the whole picture before I do anything.",
            "I keep a list of everything that touches my money, and this one still has a question mark next to it.",
            "I plan my month to the last dollar, so surprises are hard on me.",
            "Before I decide anything I write down what could go wrong.",
            "I would rather ask three questions now than be caught out later.",
        ),
        (
            "I keep a spreadsheet with every payment that is due.",
            "I set my budget on the first of each month and I stick to it.",
            "I have a folder for every account, and I check it on Sundays.",
            "I go through my account line by line every weekend.",
        ),
        (
            "Let me make sure I have every consequence in view.",
            "That goes into my notes.",
            "I am writing this down as we go.",
            "Then I need to check the next point on my list.",
            "Before I do anything, one more point.",
            "Good, that settles that part of the plan.",
        ),
        (
            "Good, now I can put this into my plan.",
            "That closes the open point on my list.",
            "Then I know what to expect at each step.",
            "I will set myself a reminder for that.",
        ),
    ),
    Voice(
        r"parent|mother|father|mom|dad|busy|hurr|rush|commut|no time|little time|short of time",
        (
            "I have about five minutes between two school runs, so I will be quick.",
            "The kids are asleep, so this is my one chance to sort it out today.",
            "I am doing this on my phone in the supermarket queue.",
            "With three children I lose track of this kind of thing.",
            "I don't have long, so please give me the part that matters.",
        ),
        (
            "Between work and two small children, paperwork waits until midnight here.",
            "My daughter started school this month and half of my mail is still unopened.",
            "I do the family's money in the car outside football practice.",
            "We are a family of five and everything leaves the account in the same week.",
        ),
        (
            "Quick one before I have to run.",
            "Okay, got that.",
            "While I have you here:",
            "Good, that was quick.",
            "My break is nearly over, so just one more thing.",
            "Right, next thing on my list.",
        ),
        (
            "Perfect, one thing less to think about tonight.",
            "Great, that was faster than I feared.",
            "Good, I can do that from my phone.",
            "Then I'll do it tonight once the kids are in bed.",
        ),
    ),
    Voice(
        r"skeptic|sceptic|distrust|suspicio|wary|cynic|burned|doubt",
        (
            "I have heard three versions of this from three people, so I want to know what is written down.",
            "I have learned to read the small print before I trust anyone.",
            "I'll be honest, I expect there is a catch.",
            "Please don't give me the brochure version.",
            "My last bank had an answer for everything too, so I ask twice now.",
        ),
        (
            "I left my last bank over charges that nobody could explain.",
            "I keep every letter, because I have been told one thing and charged another before.",
            "I check each statement against my own records.",
            "I don't sign anything on the day that I first see it.",
        ),
        (
            "That is what it says on paper, I suppose.",
            "I'd rather hear the rule than a promise.",
            "Fine, but that can't be all.",
            "All right, I can check that for myself.",
            "So far that matches what I read.",
            "Let me push on that a little.",
        ),
        (
            "Fair enough, that is a straight answer.",
            "Good, I will hold on to this in case anyone tells me otherwise.",
            "I'll check it against my next statement.",
            "That is clearer than what I was told before.",
        ),
    ),
    Voice(
        (
            r"student|first.time|first job|young|teen|new member|newly joined|novice|beginner|graduate"
            r"|inexperienced|learner"
        ),
        (
            "This is the first account that is really mine, so bear with me.",
            "Nobody ever taught us this at school.",
            "I'm pretty new to all of this.",
            "I just started my first job, and suddenly I have to know these things.",
            "I read the page twice and I still don't really get it.",
        ),
        (
            "I moved out of my parents' house in August and pay my own bills now.",
            "I work weekends at a coffee shop and go to class during the week.",
            "I got my first full paycheck last month.",
            "My roommate and I split the rent, and it goes through my account.",
        ),
        (
            "Oh, okay.",
            "Okay, that makes more sense than what my roommate said.",
            "Sorry, another beginner question.",
            "I think I get that part.",
            "Huh, I didn't know that.",
            "Okay, next thing I don't get.",
        ),
        (
            "Okay, that makes sense now.",
            "Cool, I actually understand it now.",
            "Thanks for not making me feel stupid about it.",
            "Good to know before it happens to me.",
        ),
    ),
    Voice(
        r"retire|senior|elder|older|pension|widow|fixed income|grand",
        (
            "I am retired and live on a fixed income, so I count every dollar.",
            "I have been with you for over thirty years, but this is new to me.",
            "My late husband used to look after these things.",
            "I prefer to have things explained slowly, if you don't mind.",
            "I don't do much on the computer, so please tell me in plain words.",
        ),
        (
            "My pension comes in on the third of the month.",
            "I still write checks for the gas and the church.",
            "My grandson set up the online access for me at Easter.",
            "I have kept the same account since 1988.",
        ),
        (
            "Let me write that down, one moment.",
            "Thank you for taking the time.",
            "I see, thank you.",
            "That is clearer than the letter was.",
            "There is one more thing on my piece of paper.",
            "I hope you don't mind another question.",
        ),
        (
            "Thank you, I have written it all down.",
            "You have been very patient with me, thank you.",
            "I shall keep this with my papers.",
            "That puts my mind at rest.",
        ),
    ),
    Voice(
        r"business|shop\b|shopkeep|owner|entrepreneur|trader|restaurant|employer|merchant",
        (
            "I run a small shop, so I look at this as a cost like any other.",
            "I need a clear answer that I can put into my books.",
            "I have a business to run, so let's get to the point.",
            "My accountant asked me about this and I had no answer.",
            "For me this is about cash flow more than anything else.",
        ),
        (
            "I own a bakery with four people on the payroll.",
            "I run a two-van plumbing business, and customers pay when they feel like it.",
            "My shop makes most of its money on Saturdays, and the suppliers collect on Mondays.",
            "I opened a second location in the spring, so money is tighter than usual.",
        ),
        (
            "Okay, I can work with that.",
            "That goes straight into the books.",
            "Understood, that is a number I can plan with.",
            "Let me take the next point.",
            "My accountant will ask about this as well.",
            "Good, then the other thing.",
        ),
        (
            "Good, I will pass that on to my accountant.",
            "That is all I need for the books.",
            "Fine, then I know what it costs me.",
            "Right, back to the shop.",
        ),
    ),
    Voice(
        r"newcomer|immigrant|migrant|refugee|abroad|foreign|language|moved to",
        (
            "I came to this country last year and many things work differently here.",
            "English is not my first language, so please use simple words.",
            "At home we do not have this, so I want to understand it correctly.",
            "I read the page with a dictionary, but I am not sure that I understood it.",
            "Please tell me if I use the wrong word.",
        ),
        (
            "I arrived here in March with my family and opened my first account soon after.",
            "I send part of my wages to my parents every month.",
            "In my country the bank was one room and everyone knew me.",
            "I work in a warehouse, and my wages come every second Friday.",
        ),
        (
            "Thank you, I understand this part.",
            "Okay, I learned something.",
            "Let me say it in my own words to be sure.",
            "This is different from home.",
            "One more question, please.",
            "Now I see why the letter said that.",
        ),
        (
            "Thank you, now I understand it well.",
            "I will explain it to my family the same way.",
            "You explained it in words that I can use.",
            "Good, now I am not afraid to do it.",
        ),
    ),
    Voice(
        r"analy|detail|engineer|account(?:ant|ing)|data|precise|exact|numbers|researcher|compar",
        (
            "I have read the document line by line and want to check my reading of it.",
            "I am interested in the exact wording, not a summary.",
            "I am comparing a few places side by side, so figures matter to me.",
            "I like to know the rule and then the exception to it.",
            "Please be as precise as the text allows.",
        ),
        (
            "I log every transaction, so I can tell you the dates.",
            "I built a small model of my monthly cash flow.",
            "I have the last six statements open in front of me.",
            "I put the terms of four institutions into one table.",
        ),
        (
            "That matches my reading.",
            "Noted.",
            "Good, that is a figure I can use.",
            "Then the next line in my table.",
            "I want to test an edge of that.",
            "Precise enough for me.",
        ),
        (
            "That completes the row in my table.",
            "Good, the figures add up now.",
            "That is the level of detail I was after.",
            "Then my reading was nearly right.",
        ),
    ),
    Voice(
        r"caregiver|carer|looks? after|guardian|daughter|son of|on behalf|helping",
        (
            "I look after my mother's paperwork, and this came in her mail.",
            "I am asking for my father, who no longer does this himself.",
            "I help a relative with money matters and want to do it properly.",
            "My aunt asked me to find this out for her.",
            "I handle two households' bills, mine and my parents'.",
        ),
        (
            "My mother is eighty-one, and I go through her mail on Saturdays.",
            "My father had a stroke in the winter, so I see to his bills now.",
            "My brother and I share the work of looking after our parents.",
            "I drive over twice a week to keep my uncle's papers in order.",
        ),
        (
            "I will have to explain that to her, so let me get it right.",
            "Good, I can tell my family that.",
            "That helps, thank you.",
            "She will ask me the next thing, so I may as well ask you.",
            "I have one more note from the kitchen table.",
            "Thank you for being clear about it.",
        ),
        (
            "Thank you, I can explain that at home now.",
            "That will take a weight off my family.",
            "I will put a note in the folder for my brother too.",
            "Then I can sort it out on Saturday.",
        ),
    ),
    Voice(
        (
            r"hardship|laid off|unemploy|lost (?:a|my|their|his|her)? ?job|struggl|debt|behind|reduced"
            r"|low.income|paycheck to paycheck"
        ),
        (
            "My hours were cut, and I am trying to get ahead of it.",
            "Money has been tight since the summer.",
            "I lost my job last month, so every charge counts right now.",
            "I have never been in this position before.",
            "I want to pay what I owe, I just need to know how.",
        ),
        (
            "The plant cut my shifts from five to three in September.",
            "I was laid off four weeks ago, and the first unemployment check has not come yet.",
            "My car needed a new transmission, and that took the savings.",
            "I am living from one paycheck to the next at the moment.",
        ),
        (
            "Okay, that is something at least.",
            "That is better than I expected.",
            "I can manage that, I think.",
            "Let me see if I can make that work.",
            "Thank you for telling me straight.",
            "I need to be sure about the next part.",
        ),
        (
            "Thank you, that gives me something to work with.",
            "Then I know what to do first.",
            "It helps to hear it without being judged.",
            "I feel a little less stuck now.",
        ),
    ),
    Voice(
        r"freelanc|gig|self.employed|contractor|driver|artist|seasonal|irregular|remote",
        (
            "My income is different every week, so timing is everything for me.",
            "I work for myself, so there is no payday to plan around.",
            "I get paid by five clients on five different days.",
            "I live with a good month followed by a thin one.",
            "I keep business and private money apart as well as I can.",
        ),
        (
            "A client paid me two weeks late again this month.",
            "I drive for two apps, and the payouts land at odd hours.",
            "I do seasonal work, so October to March has to carry itself.",
            "I invoiced three jobs at the start of the month, and one of them has been paid.",
        ),
        (
            "Okay, that depends on when my clients pay, then.",
            "Good, that I can plan around.",
            "Let me think how that fits an irregular month.",
            "That is useful.",
            "Right, and the other half of it.",
            "That could work for me.",
        ),
        (
            "Good, I can time that around my invoices.",
            "That will help in a thin month.",
            "I'll put it next to my invoice list.",
            "Then I know what a late client can cost me.",
        ),
    ),
    Voice(
        r"expert|experienced|confident|knows|savvy|loyal|long.?(?:time|standing)",
        (
            "I know my way around these things, so you can skip the basics.",
            "I have been a member for a long time and mostly know the rules.",
            "I have read the terms, but one point is not clear to me.",
            "I know roughly how this works and only want the details confirmed.",
            "I usually find these things myself, but not this one.",
        ),
        (
            "I have had accounts here for fifteen years without a problem.",
            "I usually sort this kind of thing out online in two minutes.",
            "I help friends with their accounts, so I see a lot of statements.",
            "I moved all of my accounts here after comparing a good number of others.",
        ),
        (
            "As I thought.",
            "That is how I remember it.",
            "Good, no change there.",
            "Then let me go one step further.",
            "That I knew, but it is good to have it confirmed.",
            "Fine.",
        ),
        (
            "Good, that is what I wanted confirmed.",
            "Then nothing has changed since I last looked.",
            "That saves me a call.",
            "All right, that is all I was missing.",
        ),
    ),
)
