"""Things that happen to people, by topic, and questions that documents tend to leave open."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    """What happened, as the person tells it, and how an answer refers to it ("your two payments on one day")."""

    told: str
    named: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Situations that fit topics with these signs."""

    signs: str
    situations: tuple[Situation, ...]


@dataclass(frozen=True, slots=True)
class Gap:
    """A matter that a source may say nothing about: how it is asked, what it is called, and words that would show it is covered."""

    asked: str
    thing: str
    signs: str


def _scene(signs: str, *pairs: tuple[str, str]) -> Scene:
    return Scene(signs, tuple(Situation(told, named) for told, named in pairs))


SCENES: tuple[Scene, ...] = (
    _scene(
        r"overdraft|overdrawn|insufficient|nsf|returned item|negative balance|courtesy pay",
        ("{Day} the rent and the car insurance came out of my checking account on the same morning, and the balance went below zero by {amount}.", "two payments on the same morning"),
        ("I bought groceries for {amount} {day}, thinking my paycheck was already in, and it was not.", "a purchase before the paycheck was in"),
        ("A subscription that I had forgotten took {amount} {day}, and now my account shows a minus.", "a forgotten subscription"),
        ("I wrote a check to my landlord, and it reached you {day}, one day before my deposit did.", "a check that came a day before the deposit"),
        ("My card was declined at the gas station {day}, although I was sure I had {amount} left.", "a declined card"),
        ("I moved {amount} into savings {day} and forgot that the electricity bill was still to come out.", "a bill that came after a transfer"),
    ),
    _scene(
        r"hardship|relief|defer|forbear|skip.a.pay|extension|pause|assistance|late payment|past due|delinquen|collection|arrears",
        ("My hours were cut {day}, and the next loan payment of {amount} is more than I can find this month.", "a month with fewer hours"),
        ("I had an operation in the spring, and the bills for it, {amount} so far, have eaten what I had put aside.", "the medical bills"),
        ("I missed a payment of {amount} because my employer closed without notice.", "the payment that you missed"),
        ("My partner moved out {day}, and I am now paying {amount} a month alone that we used to share.", "paying alone what used to be shared"),
        ("A storm damaged our roof, and the repair took {amount} that was meant for the loan.", "the repair bill"),
        ("I got a letter {day} that says that I am behind by {amount}, and I want to act before it gets worse.", "the letter you got"),
    ),
    _scene(
        r"loan|borrow|mortgage|credit line|refinanc|interest rate|apr\b|co-?sign",
        ("I found a used car {day} that costs {amount} more than I have saved.", "the car"),
        ("I have two store cards with {amount} on them, and I would like to have one payment instead.", "putting the two cards together"),
        ("My kitchen needs new pipes, and the plumber wants {amount} up front.", "the repair"),
        ("I got an offer from another lender {day} and would like to set it beside yours.", "the other offer"),
        ("I want to pay {amount} extra on my loan this month because I got some money back from taxes.", "the extra payment"),
        ("My nephew asked me {day} to sign a loan with him, and I have not answered yet.", "signing with your nephew"),
    ),
    _scene(
        r"fraud|dispute|unauthori[sz]ed|lost|stolen|scam|identity|card replacement|error",
        ("{Day} I saw a payment of {amount} to a shop that I have never heard of.", "the payment that you do not recognize"),
        ("I left my wallet on the bus {day}, with my card in it.", "the lost wallet"),
        ("Somebody called {day}, said they were from you and asked for a code, and I gave it to them.", "the call you got"),
        ("A shop charged me {amount} twice for the same pair of shoes.", "the double charge"),
        ("My card stopped working {day} in the middle of a trip.", "the card that stopped working"),
    ),
    _scene(
        r"join|membership|eligib|open(?:ing)? an? account|new account|minor|youth|joint|beneficiar|enrol",
        ("My sister has been a member for years, and {day} she told me that I could join too.", "joining through your sister"),
        ("I moved into the county {day}, and I would like to bring my account with me.", "your move"),
        ("My son turned thirteen {day} and wants an account for his {amount} of birthday money.", "an account for your son"),
        ("I got married in the summer, and we would like to keep {amount} a month in one place for the two of us.", "an account for the two of you"),
        ("I brought my papers to a branch {day} and was told that something was missing.", "the missing paper"),
    ),
    _scene(
        r"saving|dividend|certificate|share|deposit|ira\b|interest|maturity|rate",
        ("I sold my old car {day} and have {amount} that I do not need until next year.", "the money from the car"),
        ("My grandmother left me {amount}, and I want to put it somewhere safe.", "the money from your grandmother"),
        ("I have put {amount} aside every month since January and wonder if it sits in the right place.", "what you have put aside"),
        ("I may need {amount} of my savings sooner than I planned, because the roof leaks.", "taking money out early"),
        ("I deposited a check for {amount} {day}, and part of it is still not there to use.", "the check that you deposited"),
    ),
    _scene(
        r"transfer|wire|atm|withdraw|cash|bill pay|payment|direct deposit|international",
        ("I have to send {amount} to my sister's account, and it has to be there by the end of the week.", "the transfer to your sister"),
        ("I took {amount} out of a machine at the airport {day}, and the total on my statement is higher.", "the cash machine at the airport"),
        ("My new employer asked me {day} where to send my pay.", "your pay"),
        ("I set up a payment of {amount} {day} and typed one digit wrong.", "the wrong digit"),
        ("I am buying furniture from a private seller who wants {amount} in a form that can't bounce.", "paying the private seller"),
    ),
    _scene(
        r"fee|charge|cost|price|schedule",
        ("{Day} I found a line for {amount} on my statement that I had not seen before.", "the line on your statement"),
        ("I compared my last two statements, and the second one has {amount} more in charges.", "the difference between the two statements"),
        ("I asked for a copy of an old statement {day}, and now I wonder what that will cost me.", "the copy you asked for"),
        ("I was told {day} that something would be free, and then {amount} was gone from my account.", "the amount that was taken"),
        ("I keep a small account for a club, and {amount} in charges is a lot for it.", "the club's account"),
    ),
    _scene(
        r"statement|privacy|online|mobile|app|password|address|notice|record|alert|dormant|inactive|clos",
        ("I moved house {day}, and my mail still goes to the old address.", "your move"),
        ("I got a new phone {day} and can't get into my account any more.", "the new phone"),
        ("I found an old account of mine {day} with {amount} in it that I had not touched for a long time.", "the old account"),
        ("I need two years of statements for an apartment application, and it is due soon.", "the statements for the apartment"),
        ("I want to close one of my two accounts, because {amount} just sits in it.", "closing one of the accounts"),
    ),
)  # fmt: skip

ANYWHERE: tuple[Situation, ...] = (
    Situation("{Day} this came up in a conversation at work, and I realized that I could not answer it.", "the question from work"),
    Situation("I got a letter about this {day}, and I have read it twice without knowing what to do.", "the letter"),
    Situation("I have to make a decision on this by the end of the week.", "the decision you have to make"),
    Situation("I started to fill in a form {day} and stopped at a box that I did not understand.", "the form"),
    Situation("A friend of mine had trouble with exactly this {day}, so I want to look before it is my turn.", "what happened to your friend"),
    Situation("I was on the phone about this for half an hour {day}, and the line dropped before I had an answer.", "the call that was cut off"),
)

DAYS = ("last Monday", "last Tuesday", "last Wednesday", "last Thursday", "last Friday", "last weekend", "two days ago", "yesterday", "this morning", "ten days ago", "at the start of the month", "the week before last")  # fmt: skip
AMOUNTS = ("$38", "$64", "$85", "$112", "$140", "$175", "$215", "$260", "$320", "$410", "$540", "$690", "$875", "$1,150")

GAPS: tuple[Gap, ...] = (
    Gap("Does the same hold for an account that I share with someone else?", "shared accounts", r"joint|shared|co-?owner"),
    Gap("And how is it if I am abroad for a few months?", "people who are abroad", r"abroad|overseas|outside the (?:us|country|united)|foreign|international"),
    Gap("Would it be any different for a business account?", "business accounts", r"business account|commercial|sole prop"),
    Gap("What happens to it if the account holder dies?", "the death of an account holder", r"\bdie|death|deceased|estate|beneficiar"),
    Gap("Will this affect my credit score?", "credit scores", r"credit (?:score|report|bureau|history)"),
    Gap("Is any of it tax deductible?", "taxes", r"\btax|deductib|irs\b"),
    Gap("Can my sister do this for me if I am in the hospital?", "acting for someone else", r"power of attorney|authori[sz]ed (?:user|person|signer)|on (?:your|their) behalf|representative"),
    Gap("Will the terms be the same next year?", "next year's terms", r"next year|change (?:the|these) (?:terms|fees|rates)|subject to change|notice of change"),
    Gap("Can I get all of this in another language?", "other languages", r"language|spanish|translat"),
    Gap("What if your own system is down on the day that counts?", "outages", r"outage|system (?:is )?(?:down|failure)|unavailable|maintenance"),
    Gap("Does it count if I ask by text message?", "text messages", r"text message|sms"),
    Gap("Is there a better deal for people under twenty-five?", "people under twenty-five", r"youth|under (?:18|21|25)|student|minor"),
    Gap("What if two of these things happen on a public holiday?", "public holidays", r"holiday"),
    Gap("Could I do it from my employer's payroll system?", "payroll systems", r"payroll|employer|direct deposit"),
    Gap("Do former members still fall under it?", "former members", r"former member|ended (?:your|their) membership|after (?:leaving|closing)"),
    Gap("Would a court order change anything?", "court orders", r"court|legal process|levy|garnish"),
    Gap("Does it matter if the account is in a child's name?", "accounts in a child's name", r"child|minor|youth|custodial"),
    Gap("How do other credit unions handle this?", "what others do", r"other (?:banks|institutions|credit unions|lenders)"),
    Gap("Can I insure myself against that?", "insurance", r"insur"),
    Gap("What if I pay with a foreign card?", "foreign cards", r"foreign|international"),
    Gap("Would an exception be possible for someone on disability benefits?", "disability benefits", r"disab|benefits"),
    Gap("Does military service make a difference?", "military service", r"militar|servicemember|active duty"),
    Gap("What if the mistake was made by the shop and not by me?", "a shop's mistake", r"merchant|shop|store|error"),
    Gap("Is there a way to do all of it by mail?", "doing it by mail", r"by mail|mail(?:ed|ing)?\b"),
)  # fmt: skip


def situations_for(words: str) -> tuple[Situation, ...]:
    """Situations that fit a topic; ones that fit anything when the topic is of no known kind."""
    for scene in SCENES:
        if re.search(rf"\b(?:{scene.signs})", words):
            return scene.situations
    return ANYWHERE


def gaps_of(source: str) -> list[Gap]:
    """The matters that a source really says nothing about."""
    lowered = source.lower()
    return [gap for gap in GAPS if not re.search(gap.signs, lowered)]
