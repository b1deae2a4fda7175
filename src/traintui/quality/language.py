"""In which language a text is, by its commonest words or by its script: the same answer everywhere, and no model."""

from __future__ import annotations

import re
from collections import Counter

from traintui.quality.words import words

NAMES = {
    "cs": "Czech", "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "hu": "Hungarian", "it": "Italian", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese",
    "ro": "Romanian", "sv": "Swedish", "tr": "Turkish",
    "ar": "Arabic", "el": "Greek", "he": "Hebrew", "hi": "Hindi", "ja": "Japanese", "ko": "Korean", "ru": "Russian",
    "th": "Thai", "uk": "Ukrainian", "zh": "Chinese",
}  # fmt: skip
_WORDS = {
    "cs": "a se na je že to v s z do pro jako ale jsem jsou který která když nebo také bylo byl by jak tak už má",
    "da": "og i at det en den til er som på de med han af for ikke der var mig sig men et har om vi jeg hvad nej "
    "bliver hvis nok få sker mit blev også ved kunne skal",
    "de": "der die und in den von zu das mit sich des auf für ist im dem nicht ein eine als auch es an werden aus "
    "er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum kann wenn aber ich wir "
    "ihr",
    "en": "the be to of and a in that have i it for not on with he as you do at this but his by from they we say "
    "her she or an will my one all would there their what so up out if about who get which go me is are was "
    "your can does how when any no just has",
    "es": "de la que el en y a los del se las por un para con no una su al lo como más pero sus le ya o este sí "
    "porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos qué es cómo puedo "
    "tu si",
    "fi": "ja on ei se että oli hän mutta kun niin ovat joka jos tai myös ole mitä kuin vain minä sen sitä voi tämä "
    "olen nyt sinun",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont mais comme "
    "ou si leur nous vous je avec cette elle être fait ont aux c'est à quel votre mon",
    "hu": "a az és hogy nem is egy van ez de meg azt csak már ha mint vagy volt el kell én még mert lehet ami ki",
    "it": "di e il la che in un a per è una sono mi si con non lo ma ha le del i da come al nel più della se gli "
    "anche questo ho io alla ci posso cosa quanto",
    "nl": "de en van ik te dat die in een hij het niet zijn is was op aan met als voor had er maar om hem dan zou "
    "of wat mijn men dit zo door over ze zich bij ook tot je mij uit der daar naar heb hoe heeft hebben deze "
    "u kan",
    "no": "og i jeg det at en et den til er som på de med han av ikke der så var meg seg men ett har om vi min mitt "
    "hva nei blir kan du hvis nok få skjer ble også ved kunne skal hvordan hvor",
    "pl": "i w na z do się nie że to jest o jak po co dla od za tak ale czy już tylko być przez może przy jego są "
    "ten oraz jestem mam",
    "pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à "
    "seu sua ou ser quando muito há nos já está eu também só pelo pela até isso você posso",
    "ro": "și de la în a cu pe nu că este un o din care pentru ce mai să sunt se au fost dar le sau prin dacă am "
    "poate această lui",
    "sv": "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när "
    "år vad nu du min mig hur också kunna ska blir mycket",
    "tr": "bir ve bu da de için ne o ile çok mi ben daha gibi ama var sonra kadar olarak değil her olan en diye ki "
    "şey nasıl mı",  # noqa: RUF001 - a letter of Turkish
}  # fmt: skip
_SPEAKS: dict[str, tuple[str, ...]] = {}
for _code, _listed in _WORDS.items():
    for _word in dict.fromkeys(_listed.split()):
        _SPEAKS[_word] = (*_SPEAKS.get(_word, ()), _code)

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),  # before Chinese, whose signs it uses too
    ("zh", re.compile("[\u3400-\u9fff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("uk", re.compile("[іїєґІЇЄҐ]")),  # before Russian, with which it shares the rest
    ("ru", re.compile("[\u0400-\u04ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("hi", re.compile("[\u0900-\u097f]")),
    ("th", re.compile("[\u0e00-\u0e7f]")),
)
_OTHER_SCRIPT = re.compile("[\u0370-\u1fff\u3040-\ud7af]")
_LETTER = re.compile(r"[^\W\d_]")
_FEWEST = 3
"""Common words that a text needs before anything is said of it."""
_SHARE = 0.12
"""Of all its words; in running text of any of these languages it is 0.25 or more."""
_WHOLE = 5040
"""What a word counts for that only one language has; several share it. Whole numbers, so that no order matters."""
_LEAD = 1.15
"""How much more than for the next language. Neighbours such as Danish and Norwegian share most of their words."""


def language_of(text: str) -> str | None:
    """Return the ISO 639-1 code of a text's language; None where there is too little of it, or it is none of ours."""
    foreign = _OTHER_SCRIPT.findall(text)
    if foreign and len(foreign) * 2 > len(_LETTER.findall(text)):
        return next((code for code, signs in _SCRIPTS if len(signs.findall(text)) * 33 >= len(foreign)), None)
    evidence: Counter[str] = Counter()
    said: Counter[str] = Counter()
    count = 0
    for word in words(text):
        count += 1
        if speakers := _SPEAKS.get(word):
            said.update(speakers)
            for code in speakers:
                evidence[code] += _WHOLE // len(speakers)
    if not said:
        return None
    (best, most), *others = evidence.most_common(2)
    if said[best] < _FEWEST or said[best] < _SHARE * count or (others and most < others[0][1] * _LEAD):
        return None
    return best
