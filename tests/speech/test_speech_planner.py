from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.document.model import Box, Document, Paragraph, Role, Section, Sentence, Word
from voxedge.speech.blocking import iterate_in_thread
from voxedge.speech.clauses import (
    FIRST_CUT_CHARS,
    LONGEST_CHARS,
    LONGEST_PRINTED_CHARS,
    SHORTEST_CHARS,
    cut_first_clause,
    cut_long,
    cut_printed,
)
from voxedge.speech.lines import Place
from voxedge.speech.planner import Style, plan_document, plan_sections, plan_text
from voxedge.text import parse_lexicon
from voxedge.text.pauses import HEADING_MS, PARAGRAPH_END_MS


def sentence(text):
    return Sentence(tuple(Word(w, Box(0, 0, 1, 1), 0.9, second=w) for w in text.split()))


def paragraph(*texts, role=Role.BODY):
    return Paragraph(tuple(sentence(t) for t in texts), role)


HEADED = Section(
    (
        paragraph("How to take it", role=Role.HEADING),
        paragraph("Take 1-2 tablets, b.i.d., with a glass of water.", "Do not chew."),
    )
)
PLAIN = Section((paragraph("Keep out of reach of children."),))


def test_lines_come_in_reading_order_with_places_and_normalised_text():
    document = Document((HEADED, PLAIN), (), "en")
    planned = list(plan_document(document))
    assert [line.place for line in planned] == [
        Place(0, 0, 0),
        Place(0, 1, 0),
        Place(0, 1, 1),
        Place(1, 0, 0),
    ]
    assert planned[1].utterance.text == (
        "Take one to two tablets, twice a day, with a glass of water."
    )
    assert all(line.ends_sentence for line in planned)


def test_a_heading_has_the_longer_pause_and_is_not_torn_from_its_text():
    planned = list(plan_document(Document((HEADED,), (), "en")))
    heading, dose, chew = planned
    assert heading.utterance.pause_after_ms == HEADING_MS
    assert not heading.ends_paragraph
    assert dose.utterance.pause_after_ms < PARAGRAPH_END_MS
    assert not dose.ends_paragraph
    assert chew.utterance.pause_after_ms == PARAGRAPH_END_MS
    assert chew.ends_paragraph


def test_only_the_first_utterance_of_all_is_cut_at_a_clause():
    text = "Before you take this medicine, read the leaflet. When you feel unwell, stop at once."
    planned = list(plan_text(text))
    assert [line.utterance.text for line in planned] == [
        "Before you take this medicine,",
        "read the leaflet.",
        "When you feel unwell, stop at once.",
    ]
    assert [line.ends_sentence for line in planned] == [False, True, True]
    assert planned[0].place == planned[1].place != planned[2].place


def test_style_reaches_every_utterance():
    lexicon = parse_lexicon('[words]\nparacetamol = "para-seeta-moll"\n', "lexicon.toml")
    style = Style(rate=2.0, seed=7, lexicon=lexicon)
    (line,) = plan_text("Paracetamol helps.", style)
    assert line.utterance.text == "para-seeta-moll helps."
    assert (line.utterance.rate, line.utterance.seed) == (2.0, 7)
    (slow,) = plan_text("Paracetamol helps.")
    assert line.utterance.pause_after_ms == slow.utterance.pause_after_ms / 2


def test_sentences_of_nothing_sayable_are_left_out_and_the_pause_is_kept():
    section = Section((paragraph("Do not chew.", "\u200b"),))
    planned = list(plan_document(Document((section,), (), "en")))
    assert [line.utterance.text for line in planned] == ["Do not chew."]
    assert planned[0].ends_paragraph


def test_doubt_of_the_text_room_is_carried():
    certain, doubtful = plan_text("Take two tablets.\n\nTake .5 mg daily.")
    assert certain.certain
    assert not doubtful.certain


@pytest.mark.parametrize("text", ["", " \n\n \n"])
def test_nothing_to_say(text):
    assert list(plan_text(text)) == []


def test_sections_are_planned_as_they_come():
    taken = []

    def read():
        for batch in ((HEADED,), (), (PLAIN,)):
            taken.append(len(batch))
            yield batch

    async def main():
        planned = plan_sections(iterate_in_thread(read))
        first = await anext(planned)
        assert taken == [1], "the second block is not waited for"
        return [first, *[line async for line in planned]]

    planned = asyncio.run(main())
    whole = list(plan_document(Document((HEADED, PLAIN), (), "en")))
    assert planned == whole


def test_failure_of_a_blocking_iterator_comes_through():
    def read():
        yield 1
        raise OSError("gone")

    async def main():
        return [item async for item in iterate_in_thread(read)]

    with pytest.raises(OSError, match="gone"):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Before you take this medicine, read the leaflet.", "Before you take this medicine,"),
        ("Yes, take the tablet with water.", "Yes, take the tablet with water."),
        ("Take the tablet with water, now.", "Take the tablet with water, now."),
        ("No sign at all in this sentence", "No sign at all in this sentence"),
        (
            "服用本品前请仔细阅读本说明书全部内容，如有疑问请咨询医生或者药师。",
            "服用本品前请仔细阅读本说明书全部内容，",
        ),
    ],
)
def test_first_clause(text, cut):
    first, rest = cut_first_clause(text)
    assert first == cut
    assert (first + rest).replace(" ", "") == text.replace(" ", "")


@given(st.text(alphabet="ab ,;，。", max_size=1500))
def test_cutting_loses_nothing_and_bounds_everything(text):
    text = " ".join(text.split())
    pieces = cut_long(text)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    assert all(0 < len(piece) <= LONGEST_CHARS for piece in pieces)
    first, rest = cut_first_clause(text)
    assert "".join((first + rest).split()) == "".join(text.split())
    if rest:
        assert SHORTEST_CHARS <= len(first) <= FIRST_CUT_CHARS


def test_print_without_a_stop_is_cut_between_words_and_never_at_a_number():
    text = "Take one tablet 2 times a day with 5 mL of water " * 200
    pieces = cut_printed(text)
    assert "".join(pieces) == text
    assert all(len(piece) <= LONGEST_PRINTED_CHARS for piece in pieces)
    for before, after in itertools.pairwise(pieces):
        assert before.split()[-1].isalpha()
        assert after.split()[0].isalpha()
    assert cut_printed("a" * 4_500) == ["a" * 2_000, "a" * 2_000, "a" * 500]
    assert cut_printed("Take 5 mL.") == ["Take 5 mL."]
