"""What may be said at one moment, as a grammar that every engine can take.

A ``Grammar`` is finite: templates ("go to page {page}") and, for each kind of slot, the values that
may stand in it. Engines get it flat (Vosk: a JSON list of phrases) or factored (JSGF, W3C Note
"JSpeech Grammar Format", 2000). Words that an engine does not know are left out with the phrases
that need them: one unknown word must not cost the whole grammar.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from types import MappingProxyType

from voxedge.actions import Action, SlotKind, State
from voxedge.commands.language import CommandLanguage, kind_of

_SLOT = re.compile(r"\{(\w+)\}")

BARGE_IN = frozenset({Action.STOP, Action.HUSH, Action.PAUSE, Action.REPEAT})
"""What may be said into the device's own voice: few, short, and harmless when heard in error."""

DECOY_MARK = "__decoy"

LONGEST_VALUE_WORDS = 4
"""Of a title or heading; nobody says a longer one by heart."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the slots may hold at this moment; the language's own lists come on top.

    Attributes:
        sections: headings of the open document.
        words: words of the open document worth finding.
        titles: of the saved documents.
        pages: how many pages the open document has.
    """

    sections: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    pages: int = 20


@dataclass(frozen=True, slots=True)
class Template:
    """One way to say an action: its words, with slots as ``{name}``."""

    action: Action
    phrase: str

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of its slots, in the order in which they are said."""
        return tuple(_SLOT.findall(self.phrase))


@dataclass(frozen=True, slots=True)
class Grammar:
    """What may be said at one moment.

    Attributes:
        language: BCP 47 tag.
        templates: literal ones and ones with slots.
        values: what may stand in a slot of each kind.
        decoys: words that are no commands but may be heard.
    """

    language: str
    templates: tuple[Template, ...]
    values: Mapping[SlotKind, tuple[str, ...]] = field(default_factory=dict)
    decoys: tuple[str, ...] = ()

    def phrases(self) -> Iterator[str]:
        """Yield everything that may be said, slots filled; without the decoys."""
        for phrase, _ in self.meanings():
            yield phrase

    def meanings(self) -> Iterator[tuple[str, tuple[Action, tuple[str, ...]]]]:
        """Yield every phrase with its action and what fills its slots; some mean the same."""
        for template in self.templates:
            choices = [self.values.get(kind_of(template.action, s), ()) for s in template.slots]
            for chosen in product(*choices):
                yield _filled(template.phrase, chosen), (template.action, chosen)

    def to_json(self) -> str:
        """Return everything as JSON text, to cross a process boundary."""
        return json.dumps(
            {
                "language": self.language,
                "templates": [[t.action.label, t.phrase] for t in self.templates],
                "values": {kind.value: list(values) for kind, values in self.values.items()},
                "decoys": list(self.decoys),
            },
            ensure_ascii=False,
        )


def build(
    language: CommandLanguage,
    state: State | None = None,
    vocabulary: Vocabulary | None = None,
    only: Collection[Action] | None = None,
) -> Grammar:
    """Return what may be said.

    Args:
        language: phrases, numbers, names.
        state: of the reading session; None for everything.
        vocabulary: what the slots may hold.
        only: narrow it to these actions (``BARGE_IN``).
    """
    vocabulary = vocabulary or Vocabulary()
    templates = tuple(
        Template(action, phrase)
        for action, phrases in language.book.phrases.items()
        if (state is None or state in action.row.states) and (only is None or action in only)
        for phrase in phrases
    )
    values = {
        SlotKind.NUMBER: language.numbers[: max(1, vocabulary.pages)],
        SlotKind.SECTION: _sayable(language, (*language.sections, *vocabulary.sections)),
        SlotKind.TEXT: _sayable(language, (*language.words, *language.sections, *vocabulary.words)),
        SlotKind.TITLE: _sayable(language, vocabulary.titles),
    }
    return Grammar(language.tag, templates, MappingProxyType(values), language.decoys)


def _sayable(language: CommandLanguage, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Drop doubles and what nobody would say."""
    kept: dict[str, str] = {}
    for text in texts:
        folded = language.fold(text)
        if folded and len(text.split()) <= LONGEST_VALUE_WORDS:
            kept.setdefault(folded, " ".join(re.findall(r"[\w'’]+", text.casefold())))
    return tuple(kept.values())


def _filled(phrase: str, values: Sequence[str]) -> str:
    """Return the phrase with its slots replaced by the values, in order."""
    texts = _SLOT.split(phrase)[::2]
    return "".join(text + value for text, value in zip(texts, [*values, ""], strict=True))


def vosk_phrases(grammar: Grammar, segment: Callable[[str], tuple[str, ...] | None]) -> list[str]:
    """Return the flat list for Vosk, never empty of meaning: no unknown word is in it.

    Args:
        grammar: what may be said.
        segment: a word to the words of the model that make it up; None if it cannot be said.
    """
    found: dict[str, None] = {}
    for phrase in (*grammar.phrases(), *grammar.decoys):
        words: list[str] = []
        for word in phrase.casefold().split():
            parts = segment(word)
            if parts is None:
                break
            words.extend(parts)
        else:
            if words:
                found[" ".join(words)] = None
    return list(found)


def jsgf(
    grammar: Grammar,
    knows: Callable[[str], bool],
    decoy_words: int = 3,
    decoy_weight: float = 0.1,
) -> str:
    """Return the grammar as JSGF with the rules ``<command>`` and ``<decoy>``; finite.

    A decoy is written ``word__decoy``, since it may be a command's word too and no sentence shall
    be both. The engine adds those words with the pronunciation of ``word``.

    Args:
        grammar: what may be said.
        knows: whether the dictionary has a word.
        decoy_words: longest run of decoys.
        decoy_weight: their prior, 0 to 1.

    Returns:
        JSGF text, or "" when no command is left.
    """
    values = {
        kind: tuple(v for v in spoken if all(knows(word) for word in v.split()))
        for kind, spoken in grammar.values.items()
    }
    rules = [f"<{kind.value}> = {' | '.join(spoken)};" for kind, spoken in values.items() if spoken]
    commands: list[str] = []
    for template in grammar.templates:
        kinds = [kind_of(template.action, slot) for slot in template.slots]
        literal = _SLOT.sub(" ", template.phrase).casefold()
        if all(values.get(kind) for kind in kinds) and all(knows(w) for w in literal.split()):
            commands.append(_filled(template.phrase.lower(), [f"<{k.value}>" for k in kinds]))
    if not commands:
        return ""
    decoys = [f"{word}{DECOY_MARK}" for word in grammar.decoys if knows(word)]
    top = "<command>"
    if decoys:
        rules.append(f"<word> = {' | '.join(decoys)};")
        run = "<word>"
        for _ in range(decoy_words - 1):
            run = f"<word> [{run}]"
        rules.append(f"<decoy> = {run};")
        top = f"/{1 - decoy_weight:g}/ <command> | /{decoy_weight:g}/ <decoy>"
    body = "\n".join([*rules, f"<command> = {' | '.join(commands)};", f"public <said> = {top};"])
    return f"#JSGF V1.0;\ngrammar voxedge;\n{body}\n"
