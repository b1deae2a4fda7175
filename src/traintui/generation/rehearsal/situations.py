"""Things that happen to people, by topic."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Situation:
    """What happened, as the person tells it, and how an answer refers to it ("two payments on the same morning")."""

    told: str
    named: str
    signs: str = ""
    """A pattern for the statements of a source that bear on it."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Situations that fit topics with these signs."""

    signs: str
    situations: tuple[Situation, ...]


def _scene(signs: str, *told: tuple[str, ...]) -> Scene:
    return Scene(signs, tuple(Situation(*parts) for parts in told))


SCENES: tuple[Scene, ...] = (
    _scene(
        r"overdraft|overdrawn|insufficient|nsf|returned item|negative balance|courtesy pay",
        (
            (
                "{Day} the rent and the car insurance came out of my checking account on the same morning, and "
                "the balance went below zero by {small}."
            ),
            "two payments on the same morning",
            "per item|per business day|overdrawn",
        ),
        (
            "I bought groceries for {small} {day}, thinking my paycheck was already in, and it was not.",
            "a purchase made ahead of the paycheck",
            "debit card|overdrawn|paid item",
        ),
        (
            "A subscription that I had forgotten took {small} {day}, and now my account shows a minus.",
            "a forgotten subscription",
            "per item|refund|overdrawn",
        ),
        (
            "I wrote a check for {amount} to my landlord, and it reached you {day}, one day before my deposit did.",
            "a check that arrives a day before the deposit",
            "returned|nsf|check|paid item",
        ),
        (
            "My card was declined at the gas station {day}, although I was sure that I had {small} left.",
            "a declined card",
            "debit card|courtesy",
        ),
        (
            "I moved {amount} into savings {day} and forgot that the electricity bill was still to come out.",
            "a bill that comes in after a transfer",
            "transfer from savings|overdrawn|per item",
        ),
    ),
    _scene(
        (
            r"hardship|relief|defer|forbear|skip.a.pay|extension|pause|assistance|late payment|past due"
            r"|delinquen|collection|arrears|late fee"
        ),
        (
            "My hours were cut {day}, and the next loan payment of {amount} is more than I can find this month.",
            "a month with fewer hours",
            "income|reduced|skip",
        ),
        (
            "I had an operation in the spring, and the bills for it, {large} so far, have eaten what I had put aside.",
            "your medical bills",
            "fall ill|illness|medical|income",
        ),
        (
            "I missed a payment of {amount} because my employer closed without notice.",
            "the payment that you missed",
            "late fee|past due|income",
        ),
        (
            "My partner moved out {day}, and I now pay {amount} a month alone that we used to share.",
            "a payment that you now carry alone",
            "separate|reduced|extension",
        ),
        (
            "A storm damaged our roof, and the repair took {large} that was meant for the loan.",
            "the repair bill",
            "skip|extension|one monthly payment",
        ),
        (
            "I got a letter {day} that says I am behind by {amount}, and I want to act before it gets worse.",
            "the letter you got",
            "past due|before the due date|late fee",
        ),
    ),
    _scene(
        r"fraud|dispute|unauthori[sz]ed|lost|stolen|scam|identity|error",
        (
            "{Day} I saw a payment of {amount} to a shop that I have never heard of.",
            "a payment that you do not recognize",
            "unauthori|not recognize|report",
        ),
        ("I left my wallet on the bus {day}, with my card in it.", "a lost wallet", "lost|stolen"),
        (
            "Somebody called {day}, said they were from you and asked for a code, and I gave it to them.",
            "the call you got",
            "code|password|never ask",
        ),
        ("A shop charged me {small} twice for the same pair of shoes.", "a double charge", "error|twice|duplicate"),
        (
            "There is a withdrawal of {amount} on my account from {day}, and I was at work at that time.",
            "a withdrawal that you did not make",
            "unauthori|report",
        ),
    ),
    _scene(
        r"atm\b|atms\b|debit card|card|cash machine",
        (
            "I took {amount} out of a machine at the airport {day}, and the total on my statement is higher.",
            "a machine at the airport",
            "outside|operator",
        ),
        (
            "My card broke in half {day}, and I am leaving on a trip next week.",
            "a broken card before a trip",
            "replace|rush",
        ),
        (
            "I paid {amount} for a hotel in Canada {day}, and there is a second, smaller charge below it.",
            "the hotel in Canada",
            "foreign",
        ),
        (
            "The machine at my gas station took a fee {day} when I withdrew {small}.",
            "the machine at the gas station",
            "outside|operator",
        ),
        (
            "I wanted to pay {large} for a used scooter {day}, and the card refused.",
            "a large purchase by card",
            "purchase limit|daily limit",
        ),
        (
            "I have used three different machines since {day}, and I can't tell which of them cost me something.",
            "your last few withdrawals",
            "atm",
        ),
    ),
    _scene(
        r"dormant|inactive|clos(?:e|ing)|escheat|unclaimed",
        (
            "I found an old account of mine {day} with {amount} in it that I had not touched for a long time.",
            "your old account",
            "dormant|inactive",
        ),
        (
            "I got a letter {day} about an account that I opened for my studies and then forgot.",
            "the account from your studies",
            "dormant|we will write|active",
        ),
        (
            "I am moving to another state and have two accounts, one of them with just {small} in it.",
            "the account with little in it",
            "close|below",
        ),
        (
            "My late aunt had me put money into an account years ago, and I have not looked at it since.",
            "the account from your aunt's time",
            "three years|state|dormant",
        ),
        (
            "I opened a second account {day} for a trip, and now the trip is off and {amount} just sits there.",
            "the account for the trip",
            "close",
        ),
    ),
    _scene(
        r"join|membership|eligib|open(?:ing)? an? account|new account|minor|youth|joint|beneficiar|enrol",
        (
            "My sister has been a member for years, and {day} she told me that I could join too.",
            "your sister's suggestion",
            "family",
        ),
        (
            "I moved into the county {day}, and I would like to have my account here.",
            "your move",
            "lives|county|address",
        ),
        (
            "My son turned thirteen {day} and wants an account for his {small} of birthday money.",
            "an account for your son",
            "under 18|minor|youth",
        ),
        (
            "I got married in the summer, and we would like to keep {amount} a month in one place for the two of us.",
            "an account for the two of you",
            "joint",
        ),
        (
            "I came to a branch {day} with my papers and was told that something was missing.",
            "the missing paper",
            "you need|photo id|proof",
        ),
    ),
    _scene(
        r"saving|dividend|certificate|share|deposit|ira\b|maturity",
        ("I sold my old car {day} and have {large} that I do not need until next year.", "the money from the car"),
        ("My grandmother left me {large}, and I want to put it somewhere safe.", "the money from your grandmother"),
        (
            "I have put {small} aside every month since January and wonder if it sits in the right place.",
            "your monthly savings",
        ),
        (
            "I may need {amount} of my savings sooner than I planned, because the roof leaks.",
            "an early withdrawal",
            "early|penalt",
        ),
        (
            "I deposited a check for {amount} {day}, and part of it is still not there to use.",
            "the check that you deposited",
            "hold|available|check",
        ),
    ),
    _scene(
        r"loan|borrow|mortgage|credit line|refinanc|interest rate|apr\b|co-?sign|rate",
        ("I found a used car {day} that costs {large} more than I have saved.", "the car"),
        (
            "I have two store cards with {large} on them, and I would like to have one payment instead.",
            "the two store cards",
        ),
        ("My kitchen needs new pipes, and the plumber wants {large} up front.", "the plumber's bill"),
        (
            "I got an offer from another lender {day} and would like to set it beside yours.",
            "the other offer",
            "rate|apr",
        ),
        (
            "I would like to pay {amount} extra on my loan this month, because I got a tax refund.",
            "an extra payment",
            "extra|early|prepay",
        ),
        (
            "My nephew asked me {day} to sign a loan with him, and I have not answered yet.",
            "your nephew's loan",
            "co-?sign|joint",
        ),
    ),
    _scene(
        r"transfer|wire|withdraw|cash|bill pay|payment|direct deposit|international",
        (
            "I have to send {amount} to my sister's account, and it has to be there by the end of the week.",
            "the transfer to your sister",
            "transfer|wire",
        ),
        ("My new employer asked me {day} where to send my pay.", "your pay", "direct deposit"),
        (
            "I set up a payment of {amount} {day} and typed one digit wrong.",
            "a payment with a wrong digit",
            "error|mistake|wrong|cancel",
        ),
        (
            "I am buying furniture from a private seller who wants {amount} in a form that can't bounce.",
            "a purchase from a private seller",
        ),
        (
            "I sent {amount} to a landlord {day}, and he says that nothing has arrived.",
            "a payment that has not arrived",
        ),
    ),
    _scene(
        r"fee|charge|cost|price|schedule",
        ("{Day} I found a line for {small} on my statement that I had not seen before.", "the line on your statement"),
        (
            "I compared my last two statements, and the second one has {small} more in charges.",
            "the difference between the two statements",
        ),
        (
            "I asked for a copy of an old statement {day}, and now I wonder what that will cost me.",
            "the copy you asked for",
            "copy|statement",
        ),
        (
            "I was told {day} that something would be free, and then {small} was gone from my account.",
            "the amount that was taken",
        ),
        ("I look after a small account for a club, and {small} in charges is a lot for it.", "the club's account"),
    ),
    _scene(
        r"statement|privacy|online|mobile|app\b|password|address|notice|record|alert",
        ("I moved house {day}, and my mail still goes to the old address.", "your move", "lives|county|address"),
        ("I got a new phone {day} and can't get into my account any more.", "the new phone", "phone|password|code"),
        (
            "I need two years of statements for an apartment application, and it is due soon.",
            "the apartment application",
            "statement|copy",
        ),
        ("I noticed {day} that my ex-wife can still see my statements.", "the shared access"),
    ),
)

ANYWHERE: tuple[Situation, ...] = (
    Situation("{Day} this came up at work, and I realized that I could not answer it.", "the question from work"),
    Situation("I got a letter about this {day}, and I have read it twice without knowing what to do.", "the letter"),
    Situation("I have to make up my mind about this by the end of the week.", "the decision you have to make"),
    Situation("I started to fill in a form {day} and stopped at a box that I did not understand.", "the form"),
    Situation(
        "A friend of mine had trouble with exactly this {day}, so I want to look before it is my turn.",
        "a case like your friend's",
    ),
    Situation(
        "I was on the phone about this for half an hour {day}, and the line dropped before I had an answer.",
        "the call that was cut off",
    ),
)

DAYS = (
    "last Monday",
    "last Tuesday",
    "last Wednesday",
    "last Thursday",
    "last Friday",
    "last weekend",
    "two days ago",
    "yesterday",
    "this morning",
    "ten days ago",
    "at the start of the month",
    "the week before last",
)
SIZES = {
    "small": ("$18", "$23", "$31", "$38", "$46", "$52", "$64", "$79"),
    "amount": ("$112", "$140", "$175", "$215", "$260", "$320", "$385", "$410", "$540", "$690"),
    "large": ("$1,150", "$1,400", "$2,300", "$2,750", "$3,600", "$4,200"),
}
"""Amounts of money by the size that a situation calls for."""


def situations_for(words: str) -> tuple[Situation, ...]:
    """Situations that fit a topic; ones that fit anything when the topic is of no known kind."""
    for scene in SCENES:
        if re.search(rf"\b(?:{scene.signs})", words):
            return scene.situations
    return ANYWHERE
