from __future__ import annotations

import string
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.model import Box, Document, Paragraph, Role, Section, Sentence, Word
from voxedge.speech.doubt_words import DoubtWords, doubt_words, speaks
from voxedge.speech.doubts import doubt_at, may_be, with_doubts
from voxedge.speech.lines import Place
from voxedge.speech.planner import Style, plan_document

_BOX = Box(0, 0, 1, 1)
ENGLISH = doubt_words("en")


def sentence(first, second=None):
    others = second.split() if second else [None] * len(first.split())
    pairs = zip(first.split(), others, strict=True)
    return Sentence(tuple(Word(w, _BOX, 0.9, 0, None if s == "?" else s) for w, s in pairs))


def spoken(*sentences, language="en", role=Role.BODY):
    document = Document((Section((Paragraph(sentences, role),)),), (), language)
    return list(plan_document(document, Style(language=language)))


def test_a_doubtful_dose_is_named_and_never_said_flatly():
    lines = spoken(
        sentence("Take 5 mg every day.", "Take 50 mg every day."), sentence("Rest.", "Rest.")
    )
    said = " ".join(line.utterance.text for line in lines)
    assert said == (
        "Take a number I am not sure of every day. I am not sure of this number. "
        "It may be five or fifty milligrams. Please take another picture. Rest."
    )


def test_the_doubt_belongs_to_its_sentence():
    lines = spoken(sentence("Take 5 mg.", "Take 50 mg."), sentence("Rest.", "Rest."))
    first = [line for line in lines if line.place == Place(0, 0, 0)]
    assert [line.ends_sentence for line in first] == [False] * (len(first) - 1) + [True]
    assert not any(line.certain for line in first)
    assert lines[-1].certain


def test_the_last_sentence_of_a_paragraph_ends_it_with_its_doubt():
    lines = spoken(sentence("Take 5 mg.", "Take 50 mg."))
    assert [line.ends_paragraph for line in lines] == [False] * (len(lines) - 1) + [True]


def test_a_certain_number_is_spoken_as_it_is():
    (line,) = spoken(sentence("Take 5 mg every day.", "Take 5 mg every day."))
    assert line.utterance.text == "Take five milligrams every day."
    assert line.certain


def test_two_doubts_are_told_in_order_and_another_picture_is_asked_for_once_a_paragraph():
    two = sentence("Give 5 mg for 3 days.", "Give 50 mg for 8 days.")
    said = " ".join(line.utterance.text for line in spoken(two, two))
    assert "I am not sure of two numbers here." in said
    assert (
        "The first may be five or fifty milligrams. The second may be three or eight days." in said
    )
    assert said.count(ENGLISH.another_picture) == 1


def test_an_unchecked_number_is_called_so_and_why_is_told_once():
    lines = spoken(sentence("Take 5 mg."), sentence("Wait 3 hours."))
    said = " ".join(line.utterance.text for line in lines)
    assert "Take unchecked five milligrams." in said
    assert "Wait unchecked three hours." in said
    assert said.count(ENGLISH.not_checked) == 1
    assert not any(line.certain for line in lines)


def test_the_number_of_a_heading_is_no_dose():
    lines = spoken(sentence("3. How to take it", "8. How to take it"), role=Role.HEADING)
    assert ENGLISH.unsure not in lines[0].utterance.text
    doubted = with_doubts(sentence("3 mg is enough", "8 mg is enough"), "en", starts_paragraph=True)
    assert doubted.printed == f"{ENGLISH.unsure} is enough"


def test_in_another_language_the_number_is_left_out_and_the_doubt_is_english():
    lines = spoken(sentence("Prendre 5 mg.", "Prendre 50 mg."), language="fr")
    assert "5" not in lines[0].utterance.text
    assert lines[0].utterance.language == "fr"
    assert {line.utterance.language for line in lines[1:]} == {"en"}
    assert "five or fifty milligrams" in " ".join(line.utterance.text for line in lines[1:])


_VALUES = st.integers(1, 999)


@given(st.lists(st.tuples(_VALUES, _VALUES), min_size=1, max_size=5))
def test_no_disputed_number_stays_in_the_sentence(pairs):
    first = " then ".join(f"{one} mg" for one, _ in pairs)
    second = " then ".join(f"{other} mg" for _, other in pairs)
    doubted = with_doubts(sentence(f"Take {first}", f"Take {second}"), "en", starts_paragraph=True)
    certain = [str(one) for one, other in pairs if one == other]
    assert [w for w in doubted.printed.split() if w.isdigit()] == certain
    assert bool(doubted.explained) == (len(certain) < len(pairs))


LANGUAGES = ("en", "zh", "ko")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_word_and_the_same_places_to_fill(language):
    words = doubt_words(language)
    assert words.language == language
    for name in (f.name for f in fields(DoubtWords) if f.name != "each"):
        assert _places(getattr(words, name)) == _places(getattr(ENGLISH, name)), name
    assert [_places(each) for each in words.each] == [_places(each) for each in ENGLISH.each]


def _places(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_doubt_is_told_in_the_language_of_the_page(language):
    doubted = with_doubts(
        sentence("服用 5 mg 每日", "服用 50 mg 每日"), language, starts_paragraph=True
    )
    words = doubt_words(language)
    assert words.unsure in doubted.printed
    assert "5" not in doubted.printed
    assert doubted.explained == words.one.format(readings=f"5{words.or_}50 mg")
    lines = spoken(sentence("服用 5 mg 每日", "服用 50 mg 每日"), language=language)
    assert {line.utterance.language for line in lines} == {language}


def test_regions_scripts_and_nonsense_find_their_language():
    assert doubt_words("zh-Hans-CN").language == "zh"
    assert doubt_words("ko_KR").language == "ko"
    assert doubt_words("../../etc") == doubt_words("") == doubt_words("und") == ENGLISH
    assert speaks("en-GB")
    assert not speaks("fr")


def test_a_word_is_in_doubt_with_the_number_it_is_a_part_of():
    disputed = sentence("Take 5 mg for 3 days.", "Take 50 mg for 3 days.")
    doubts = [doubt_at(disputed, at, starts_paragraph=True) for at in range(6)]
    assert [number is not None for number in doubts] == [False, True, True, False, False, False]
    assert may_be(doubts[1], ENGLISH) == "5 or 50 mg"
