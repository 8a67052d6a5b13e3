"""Phrases: none missing, none that stands for two actions, a translator's mistakes named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.errors import ConfigError
from voxedge.phrases import PhraseBook, english, flaws, parse_phrases, shape


def as_toml(book: PhraseBook) -> str:
    lines = [f'language = "{book.language}"', "[phrases]"]
    lines += [
        f"{action.label} = [{', '.join(repr(p) for p in phrases)}]"
        for action, phrases in book.phrases.items()
    ]
    lines.append("[help]")
    lines += [f'{action.label} = "{text}"' for action, text in book.help.items()]
    return "\n".join(lines)


def test_english_is_whole_and_collides_nowhere() -> None:
    assert flaws(english()) == ()


def test_every_action_but_the_buttons_own_can_be_said() -> None:
    silent = {action for action in Action if action not in english().phrases}
    assert silent == {
        Action.TALK,
        Action.TALK_END,
        Action.WAKE_WORD,
        Action.READ_OR_STOP,
        Action.ONE_BUTTON,
        Action.REPEAT_OR_RESUME,
        Action.MENU_OR_CHOOSE,
        Action.FORWARD,
        Action.BACK,
    }


def test_a_translators_file_says_the_same_as_the_table() -> None:
    assert parse_phrases(as_toml(english()), "en.toml") == english()


def test_a_short_translation_says_what_it_lacks() -> None:
    text = 'language = "de"\n[phrases]\nstop = ["halt"]\nfind = ["suche"]\n[help]\nstop = "Hält."\n'
    found = flaws(parse_phrases(text, "de.toml"))
    assert "read has no phrase." in found
    assert "find has no phrase with its slot." in found
    assert "find has no help text." in found
    assert not any(flaw.startswith("stop ") for flaw in found)


def test_colliding_phrases_are_found() -> None:
    text = (
        'language = "de"\n[phrases]\nstop = ["Halt!"]\npause = ["halt"]\n'
        'find = ["gehe zu {word}"]\nsection = ["gehe zu {name}"]\n'
    )
    found = flaws(parse_phrases(text, "de.toml"))
    assert "'halt' stands for stop and for pause." in found
    assert "'gehe zu *' stands for find and for section." in found


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[phrases\n", "not valid TOML"),
        ("[phrases]\n", "it needs a line like"),
        ('language = "de"\n[words]\n', "unknown table [words]"),
        ('language = "de"\nphrases = 3\n', "[phrases] must be a table"),
        ('language = "de"\n[phrases]\nnext-sentense = ["x"]\n', "Did you mean: next-sentence"),
        ('language = "de"\n[phrases]\nstop = "halt"\n', "must be a list of phrases"),
        ('language = "de"\n[phrases]\nfind = ["suche {wort}"]\n', "find has no slot {wort}"),
        ('language = "de"\n[phrases]\nfind = ["suche {word"]\n', "a slot is written {name}"),
        ('language = "de"\n[help]\nstop = 3\n', "[help] stop must be a sentence"),
    ],
)
def test_a_translators_mistakes_are_named(text: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_phrases(text, "de.toml")
    assert part in str(caught.value)


@given(st.text())
def test_no_text_does_worse_than_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_phrases(text, "x.toml")


@given(st.text(alphabet="aß {}Éx", max_size=20))
def test_a_shape_is_its_own_shape(phrase: str) -> None:
    assert shape(shape(phrase)) == shape(phrase)
