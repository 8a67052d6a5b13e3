"""Grammar and parsing: everything sayable is understood as what it is, in every language."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.actions import Action, SlotKind, State
from voxedge.commands.grammar import BARGE_IN, Grammar, Vocabulary, build, jsgf, vosk_phrases
from voxedge.commands.language import CommandLanguage, available, flaws_of, load, parse
from voxedge.commands.parse import parse as understood_as
from voxedge.commands.parse import threshold, understand, what_can_i_say
from voxedge.engines.asr.hosted import grammar_from_json
from voxedge.errors import ConfigError, HearingLanguageMissing, RecogniserFailed
from voxedge.phrases import PhraseBook

LANGUAGES = [load(tag) for tag in available()]
BY_TAG = {language.tag: language for language in LANGUAGES}
SAID = {
    "en": [
        ("go to page twenty one", Action.GO_TO_PAGE, {"page": 21}),
        ("What are the Side Effects", Action.SECTION, {"name": "side effects"}),
        ("find tablets", Action.FIND, {"word": "tablets"}),
        ("go to the end", Action.LAST, {}),
        ("open gas bill", Action.OPEN, {"title": "gas bill"}),
    ],
    "zh": [
        ("第 十二 页", Action.GO_TO_PAGE, {"page": 12}),
        ("下 一 句", Action.NEXT_SENTENCE, {}),
        ("查找 医生", Action.FIND, {"word": "医生"}),
        ("到不良反应", Action.SECTION, {"name": "不良反应"}),
    ],
    "ko": [
        ("읽어줘", Action.READ, {}),
        ("이십삼 페이지", Action.GO_TO_PAGE, {"page": 23}),
        ("부작용 알려 줘", Action.SECTION, {"name": "부작용"}),
        ("약사 찾아줘", Action.FIND, {"word": "약사"}),
    ],
}
AT_HAND = Vocabulary(sections=("Other information",), titles=("gas bill",), pages=40)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_a_language_is_whole_and_collides_nowhere(language: CommandLanguage) -> None:
    assert flaws_of(language) == ()
    assert [language.number(word) for word in language.numbers] == list(range(1, 100))


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_everything_that_may_be_said_means_something(language: CommandLanguage) -> None:
    grammar = build(language, vocabulary=AT_HAND)
    phrases = list(grammar.phrases())
    assert len(phrases) > 200
    assert [p for p in phrases if understood_as(p, language, grammar) is None] == []


@pytest.mark.parametrize(
    ("tag", "said", "action", "slots"),
    [(tag, *row) for tag, rows in SAID.items() for row in rows],
)
def test_said_and_meant(tag: str, said: str, action: Action, slots: dict[str, object]) -> None:
    language = BY_TAG[tag]
    meant = understood_as(said, language, build(language, vocabulary=AT_HAND))
    assert meant is not None
    assert (meant.action, dict(meant.arguments)) == (action, slots)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
@settings(max_examples=60)
@given(text=st.text(max_size=60))
def test_no_text_breaks_the_parser(language: CommandLanguage, text: str) -> None:
    grammar = build(language)
    meant = understood_as(text, language, grammar)
    assert meant is None or meant.action in language.book.phrases


@given(page=st.integers(1, 99), language=st.sampled_from(LANGUAGES))
def test_a_page_said_is_the_page_meant(page: int, language: CommandLanguage) -> None:
    grammar = build(language, vocabulary=Vocabulary(pages=99))
    phrase = language.book.phrases[Action.GO_TO_PAGE][0]
    meant = understood_as(phrase.replace("{page}", language.numbers[page - 1]), language, grammar)
    assert meant is not None
    assert meant.number("page") == page


def test_a_page_out_of_range_and_a_foreign_word_are_no_commands() -> None:
    english = BY_TAG["en"]
    grammar = build(english)
    for text in ("page zero", "page banana", "go to the moon", "stop the car", "", "find"):
        assert understood_as(text, english, grammar) is None, text


def test_the_moment_narrows_what_may_be_said() -> None:
    english = BY_TAG["en"]
    in_menu = {t.action for t in build(english, State.MENU).templates}
    assert Action.MENU_CHOOSE in in_menu
    assert Action.NEXT_SENTENCE not in in_menu
    barge = build(english, State.READING, only=BARGE_IN)
    assert {t.action for t in barge.templates} == BARGE_IN
    assert {s.action for s in what_can_i_say(english, State.MENU)} == in_menu
    assert all(s.help and "{" not in s.phrase for s in what_can_i_say(english, State.READING))


def test_dangerous_actions_need_more_and_stop_needs_less_confidence() -> None:
    assert threshold(Action.SHUT_DOWN) > threshold(Action.FIND) > threshold(Action.STOP)
    assert threshold(Action.STOP, {"stop": 0.9}) == 0.9
    english = BY_TAG["en"]
    grammar = build(english)
    doubtful = understand("shut down", 0.6, english, grammar)
    assert (doubtful.intent, doubtful.unsure) == (None, True)
    assert understand("shut down", 0.9, english, grammar).intent is not None
    assert understand("banana", 1.0, english, grammar).unsure is False


def test_unknown_words_cost_their_phrases_and_no_more() -> None:
    english = BY_TAG["en"]
    grammar = build(english)
    text = jsgf(grammar, lambda word: word != "shush")
    assert "shush" not in text
    assert "hush" in text
    assert "*" not in text
    assert "+" not in text, "an open loop may never end"
    assert jsgf(grammar, lambda _word: False) == ""
    flat = vosk_phrases(grammar, lambda word: None if word == "shush" else (word,))
    assert "hush" in flat
    assert "shush" not in flat
    assert "go to page three" in flat


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_a_grammar_crosses_a_process_boundary(language: CommandLanguage) -> None:
    grammar = build(language, State.READING, AT_HAND)
    again = grammar_from_json(grammar.to_json())
    assert list(again.phrases()) == list(grammar.phrases())
    assert again.decoys == grammar.decoys


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5) | st.integers(), st.lists))
def test_what_is_no_grammar_is_told(value: object) -> None:
    with pytest.raises(RecogniserFailed):
        grammar_from_json(json.dumps(value))


def test_a_language_nobody_wrote() -> None:
    with pytest.raises(HearingLanguageMissing, match="en"):
        load("tlh")
    assert load("en-GB").tag == "en"
    assert load("cmn").tag == "zh"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("language = ", "TOML"),
        ('language = "de"', "slots"),
        ('language = "de"\n[slots]\nnumbers = 3', "sections|numbers"),
        ('language = "de"\n[slots]\nwinds = []', "winds"),
    ],
)
def test_a_translators_mistakes_are_named(text: str, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        parse(text, "de.toml")


def test_a_decoy_that_is_a_command_and_a_number_said_twice_are_found() -> None:
    book = PhraseBook("xx", {Action.STOP: ("halt",)}, {})
    found = flaws_of(CommandLanguage(book, ("a",), (), ("one", "one"), ("Halt",)))
    assert "The decoy 'Halt' is the command stop." in found
    assert "The number 'one' stands twice." in found


def test_values_are_what_people_say() -> None:
    english = BY_TAG["en"]
    long = "a heading that nobody would ever say by heart"
    values = build(english, vocabulary=Vocabulary(sections=(long, "DOSAGE", "Storage!"))).values
    assert long not in values[SlotKind.SECTION]
    assert values[SlotKind.SECTION].count("dosage") == 1
    assert list(Grammar("en", ()).phrases()) == []
