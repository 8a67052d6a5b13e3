from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.model import Box, Document, Paragraph, Role, Section, Sentence, Word
from voxedge.speech.doubts import ANOTHER_PICTURE, NOT_CHECKED, UNSURE, with_doubts
from voxedge.speech.lines import Place
from voxedge.speech.planner import Style, plan_document

_BOX = Box(0, 0, 1, 1)


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
    assert said.count(ANOTHER_PICTURE) == 1


def test_an_unchecked_number_is_called_so_and_why_is_told_once():
    lines = spoken(sentence("Take 5 mg."), sentence("Wait 3 hours."))
    said = " ".join(line.utterance.text for line in lines)
    assert "Take unchecked five milligrams." in said
    assert "Wait unchecked three hours." in said
    assert said.count(NOT_CHECKED) == 1
    assert not any(line.certain for line in lines)


def test_the_number_of_a_heading_is_no_dose():
    lines = spoken(sentence("3. How to take it", "8. How to take it"), role=Role.HEADING)
    assert UNSURE not in lines[0].utterance.text
    doubted = with_doubts(sentence("3 mg is enough", "8 mg is enough"), "en", starts_paragraph=True)
    assert doubted.printed == f"{UNSURE} is enough"


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
