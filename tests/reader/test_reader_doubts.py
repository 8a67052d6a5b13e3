"""Whatever a person asks for: no doubtful number is said as if it were certain.

Doubtful numbers are made of the digits 7, 8 and 9, certain ones of 1 to 4, so that a digit tells.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action, Intent, SlotKind, State
from voxedge.document.cursor import Cursor
from voxedge.document.model import Box, Document, Page, Paragraph, Role, Section, Sentence, Word
from voxedge.reader.book import book_of
from voxedge.reader.conversation.effects import Say, Spell
from voxedge.reader.conversation.model import Model, Open, World
from voxedge.reader.conversation.steps import HANDLERS, ask
from voxedge.reader.library import title_of
from voxedge.reader.messages import load_messages
from voxedge.speech.doubts import with_doubts
from voxedge.speech.planner import Style, plan_document
from voxedge.text import spell

_BOX = Box(0, 0, 9, 9)
MESSAGES = load_messages()
DOUBTFUL = frozenset("789")
NAMES = {name for digit in DOUBTFUL for p in (False, True) for name in spell(digit, "en", p)}
MEANT = frozenset({"doubtful_word", "unchecked_word"})
"""The sentences that say of a number that it is in doubt."""
TEXT_SLOTS = frozenset({"word", "heading", "label", "title", "found", "readings"})


def words(text, second):
    pairs = zip(text.split(), second.split(), strict=True)
    return tuple(Word(w, _BOX, 0.9, 0, None if s == "?" else s) for w, s in pairs)


certain = st.tuples(st.integers(1, 4), st.sampled_from(["mg", "ml", "tablets"])).map(
    lambda pair: (f"{pair[0]} {pair[1]}",) * 2
)
figures = st.text(st.sampled_from("789"), min_size=1, max_size=3)
disputed = (
    st.tuples(figures, figures, st.sampled_from(["mg", "µg", "tablets"]))
    .filter(lambda three: three[0] != three[1])
    .map(lambda three: (f"{three[0]} {three[2]}", f"{three[1]} {three[2]}"))
)
unchecked = st.tuples(figures, st.sampled_from(["mg", "hours"])).map(
    lambda pair: (f"{pair[0]} {pair[1]}", "? ?")
)
plain = st.sampled_from(["Amlodipine", "tablets", "daily", "take", "with water"]).map(
    lambda text: (text, text)
)
parts = st.one_of(plain, certain, disputed, unchecked)


@st.composite
def sentences(draw):
    drawn = draw(st.lists(parts, min_size=1, max_size=5))
    first = " ".join(["Selvadine", *(one for one, _ in drawn)])
    second = " ".join(["Selvadine", *(other for _, other in drawn)])
    return Sentence(words(first, second))


@st.composite
def documents(draw):
    sections = []
    for _ in range(draw(st.integers(1, 3))):
        heading = Paragraph((draw(sentences()),), Role.HEADING)
        body = Paragraph(tuple(draw(st.lists(sentences(), min_size=1, max_size=3))))
        sections.append(Section((heading, body)))
    return Document(tuple(sections), (Page(9, 9),), "en", "")


SPEAKING = sorted(set(HANDLERS) - {Action.SHUT_DOWN}, key=lambda action: action.name)
QUERIES = st.sampled_from(
    ["selvadine", "amlodipin", "tablet", "Amlodipine 7", "8", "daily", "dose"]
)


@given(
    documents(),
    st.integers(0, 40),
    st.sampled_from([State.IDLE, State.READING, State.PAUSED]),
    QUERIES,
)
def test_no_action_says_a_doubtful_number_as_if_it_were_certain(document, at, state, query):
    book = book_of(document)
    opened = Open(book, book.outline.clamp(Cursor(at)), title=title_of(document), saved=True)
    for action in SPEAKING:
        slots = tuple(
            (slot.name, 1 if slot.kind is SlotKind.NUMBER else query) for slot in action.row.slots
        )
        step = ask(Model(state, opened), Intent(action, slots), World(now_s=9.0))
        for effect in step.effects:
            check(effect, query)
        for choice in step.model.menu.choices if step.model.menu is not None else ():
            check(choice.label, query)


def check(effect, query):
    if isinstance(effect, Spell):
        names = {name for word in effect.words for name in word}
        assert not names & NAMES
    elif isinstance(effect, Say) and effect.key not in MEANT:
        for name, value in effect.slots:
            # What the person said is echoed; nobody takes it for print.
            if name in TEXT_SLOTS and value != query:
                said = re.sub(r"unchecked \S+", "", str(value))
                assert not DOUBTFUL & set(said), effect


@pytest.mark.parametrize("action", [Action.SPELL_WORD, Action.SPELL_WORD_PHONETIC])
@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("Take 5 mg", "Take 50 mg", "I am not sure of this number. It may be 5 or 50 mg."),
        ("Take 5 mg", "Take ? ?", "5. This number was not checked. It may be wrong."),
    ],
)
def test_asked_for_alone_a_number_says_that_it_is_in_doubt(action, first, second, told):
    document = Document((Section((Paragraph((Sentence(words(first, second)),)),)),), (), "en")
    model = Model(State.PAUSED, Open(book_of(document), Cursor(1)))
    step = ask(model, Intent(action), World())
    said = [effect for effect in step.effects if isinstance(effect, Say)]
    assert [MESSAGES.say(say.key, dict(say.slots)) for say in said] == [told]
    assert not [effect for effect in step.effects if isinstance(effect, Spell)]


def test_a_certain_number_is_spelled():
    document = Document(
        (Section((Paragraph((Sentence(words("Take 50 mg", "Take 50 mg")),)),)),), (), "en"
    )
    model = Model(State.PAUSED, Open(book_of(document), Cursor(1)))
    spelled = [e for e in ask(model, Intent(Action.SPELL_WORD), World()).effects if e != Spell(())]
    assert Spell((("five", "zero"),)) in spelled


def test_a_title_and_a_menu_leave_the_doubtful_number_out():
    heading = Sentence(words("Selvadine 7 mg tablets", "Selvadine 70 mg tablets"))
    document = Document((Section((Paragraph((heading,), Role.HEADING),)),), (), "en")
    assert title_of(document) == "Selvadine tablets"
    model = Model(State.PAUSED, Open(book_of(document)))
    menu = ask(model, Intent(Action.LIST_SECTIONS), World()).model.menu
    assert menu is not None
    assert dict(menu.choices[0].label.slots)["label"] == (
        "Selvadine a number I am not sure of tablets"
    )


@given(documents())
def test_no_sentence_says_one_either(document):
    for paragraph in document.paragraphs:
        for place, sentence in enumerate(paragraph.sentences):
            doubted = with_doubts(sentence, "en", starts_paragraph=place == 0)
            for found in (w for w in doubted.printed.split() if DOUBTFUL & set(w)):
                assert f"unchecked {found}" in doubted.printed
    for line in plan_document(document, Style("en")):
        assert not DOUBTFUL & set(line.utterance.text)


def test_a_page_whose_language_has_no_words_for_doubts_hides_them_in_headings():
    heading = Sentence(words("Doliprane 7 mg comprimés", "Doliprane ? ? comprimés"))
    body = Sentence(words("Prendre 8 mg", "Prendre ? ?"))
    paragraphs = (Paragraph((heading,), Role.HEADING), Paragraph((body,)), Paragraph((body,)))
    document = Document((Section(paragraphs),), (), "fr")
    step = ask(Model(State.PAUSED, Open(book_of(document))), Intent(Action.WHERE_AM_I), World())
    (said,) = (effect for effect in step.effects if isinstance(effect, Say))
    assert dict(said.slots)["heading"] == "Doliprane  comprimés"
    lines = [line.utterance for line in plan_document(document, Style("fr"))]
    remarks = [line.text for line in lines if line.language == "en"]
    assert remarks == ["I could not check the numbers here.", "They may be wrong."] * 3 or (
        remarks == ["I could not check the numbers here. They may be wrong."] * 3
    )
