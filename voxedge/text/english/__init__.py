"""How English is read aloud: the rules of each room in the order they are asked."""

from __future__ import annotations

from voxedge.text.english import codes, dates, quantities, sig, signs, words
from voxedge.text.english.numerals import NUMBER_WORDS
from voxedge.text.english.sentences import SENTENCES
from voxedge.text.english.spelling import SPELLING
from voxedge.text.language import Language

ENGLISH = Language(
    tag="en",
    letter_rules=(
        codes.address,
        codes.lot,
        codes.expiry,
        codes.known,
        codes.confused,
        sig.every,
        sig.code,
        words.roman,
        dates.month_first,
        words.abbreviation,
        codes.misread_unit,
        words.bare_unit,
        codes.mixed,
        words.word,
    ),
    digit_rules=(
        codes.address,
        codes.phone,
        dates.date,
        dates.clock,
        dates.ratio,
        dates.year_or_decade,
        codes.confused,
        codes.chemical,
        codes.known,
        codes.ordinal,
        quantities.quantity,
        signs.lone_numeric,
        codes.mixed,
    ),
    sign_rules=(
        codes.phone,
        signs.money,
        signs.signed,
        words.bare_unit,
        signs.superscript,
        signs.slash,
        signs.sign,
    ),
    sentences=SENTENCES,
    spelling=SPELLING,
    number_words=NUMBER_WORDS,
)
