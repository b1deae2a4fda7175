"""The language of a turn is told from its commonest words, or its script, and not at all where it says too little."""

from __future__ import annotations

import pytest

from traintui.quality.language import NAMES, language_of

SAID = {
    "cs": "Dobrý den, včera mi banka strhla poplatek za účet a já nevím, proč se to stalo, když jsem měl dost peněz.",
    "da": "Hvad sker der, hvis jeg ikke har nok penge på min konto, og kan jeg få gebyret tilbage i dag?",
    "de": "Können Sie mir sagen, warum die Bank gestern eine Gebühr von meinem Konto abgebucht hat? Das ist unfair.",
    "en": "Can you tell me why the bank took a fee from my account yesterday? I had enough money in it.",
    "es": "¿Me puede decir por qué el banco me cobró una comisión ayer? No entiendo lo que pasa con mi cuenta.",
    "fi": "Miksi pankki veloitti tililtäni maksun, vaikka minulla oli rahaa? En ymmärrä, mitä tämä on, ja se ei ole "
    "reilua.",
    "fr": "Pouvez-vous me dire pourquoi la banque a pris des frais sur mon compte hier ? Je ne comprends pas ce qui se "
    "passe.",
    "hu": "Meg tudja mondani, hogy miért vont le a bank díjat a számlámról? Nem értem, hogy ez mi, és már nem is kell.",
    "it": "Mi può dire perché la banca ha preso una commissione dal mio conto? Non capisco che cosa è e come si fa.",
    "nl": "Kunt u mij vertellen waarom de bank kosten van mijn rekening heeft gehaald? Ik had er genoeg geld op staan.",
    "no": "Hva skjer hvis jeg ikke har nok penger på kontoen min, og kan jeg få gebyret tilbake i dag?",
    "pl": "Dlaczego bank pobrał opłatę z mojego konta? Nie wiem, co to jest i jak to się stało, czy mam za to płacić?",
    "pt": "Você pode me dizer por que o banco cobrou uma taxa da minha conta? Eu não sei o que é isso e já paguei.",
    "ro": "De ce banca a luat un comision din contul meu? Nu știu ce este și cum s-a întâmplat, dar am bani în cont.",
    "sv": "Vad händer om jag inte har nog med pengar på mitt konto, och kan jag få avgiften tillbaka från er idag?",
    "tr": "Banka neden dün hesabımdan bir ücret aldı ve bu ücret için ne yapabilirim? Ben bunu çok iyi anlamadım.",  # noqa: RUF001
    "ar": "لماذا أخذ البنك رسوماً من حسابي أمس؟",
    "el": "Γιατί η τράπεζα πήρε χρέωση από τον λογαριασμό μου χθες;",
    "he": "למה הבנק לקח עמלה מהחשבון שלי אתמול?",
    "hi": "बैंक ने कल मेरे खाते से शुल्क क्यों लिया?",
    "ja": "昨日、銀行が私の口座から手数料を取ったのはなぜですか。",
    "ko": "은행이 어제 제 계좌에서 수수료를 가져간 이유가 무엇인가요?",
    "ru": "Почему банк вчера снял комиссию с моего счёта?",  # noqa: RUF001 - it is Russian
    "th": "ทำไมธนาคารจึงหักค่าธรรมเนียมจากบัญชีของฉันเมื่อวานนี้",
    "uk": "Чому банк учора зняв комісію з мого рахунку, якщо там були гроші?",
    "zh": "为什么银行昨天从我的账户里扣了手续费？",  # noqa: RUF001
}


@pytest.mark.parametrize("code", NAMES)
def test_each_language_is_told(code: str) -> None:
    assert language_of(SAID[code]) == code


@pytest.mark.parametrize("text", ["", "OK.", "Thanks!", "12.50 €", "ISA, APR, ATM", "```\nx = 1\n```", "🙂🙂"])
def test_what_says_too_little_is_not_guessed(text: str) -> None:
    assert language_of(text) is None


def test_a_foreign_word_or_quotation_does_not_change_the_language() -> None:
    assert language_of("He calls it “Zinseszins und Tilgung”, and I have no idea what that is or how to ask.") == "en"
    assert language_of("The sign on the door of the bank said 銀行, which is all that I can read of it.") == "en"
