"""pocketsphinx with its bundled English model: commands out of the box, without a download.

The sound is cleaned as it comes (``denoise``). Once the speaker pauses, the part that is speech is
decoded twice: by the grammar, and as free phonemes, whose difference tells a command from anything
else (``evidence``). So the work is done within the pause that an endpointer has to wait for
anyway, and ``finish`` finds it done. Mean and noise floor of the cepstra come from the speech
alone and from all of it: a live mean starts wrong in every new room.

Both searches take 0.11 of real time on the development machine.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxedge.commands.endings import SETTLED_MS, Ending, Endings
from voxedge.commands.grammar import Grammar, jsgf
from voxedge.commands.language import load
from voxedge.engines.asr.denoise import NoiseSuppressor
from voxedge.engines.asr.evidence import NO_SOUND, Segment, evidence_of
from voxedge.engines.asr.judgement import First, weigh
from voxedge.engines.asr.pause import FRAME, FRAME_MS, Pause
from voxedge.engines.asr.protocol import LONGEST_S, NOTHING, RATE_HZ, Heard, HeardWord
from voxedge.engines.asr.second import SecondListener
from voxedge.errors import RecogniserFailed, RecogniserMissing

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples
    from voxedge.engines.asr.whisper_listener import Opinion

SHORTEST_S = 0.15
"""Of an utterance; a click is no word."""

MOST_FRAMES = 450
"""Of speech: 4.5 s. The longest command, said slowly, takes 3 s; a conversation is not decoded."""

EDGE_FRAMES = 15
"""Decoded before and after the speech: soft beginnings and ends."""

FEWEST_PHONEMES = 3
"""Of a command. Two are too little evidence: "nine" was taken for "no" at a confidence of 0.98.
"No thanks" and "do not" are heard."""

FEWEST_FRAMES = 28
"""Of its words. The shortest commands of the tuned half take 0.3 s."""

LEFT_OUT = frozenset({"go on"})
"""Phrases that kitchen noise and other words were taken for more often than any other."""

DECODE_AFTER_MS = (90, 320)
"""Of silence. What is not sure at the first is decoded once more, with more of the room's noise to
judge by, while the endpointer still waits."""

SURE = 0.5
"""Confidence from which on a speaker is not waited for."""

PRONUNCIATIONS = {"shush": (("SH", "AH", "SH"),)}
"""Words of commands that the bundled dictionary lacks."""


RIVALS = "rivals"
"""The search for the loop of everyday words."""


class SphinxRecogniser:
    """A ``Recogniser`` for English. Blocking: made and used on one thread.

    Raises:
        RecogniserMissing: the package is not installed.
    """

    language = "en"

    def __init__(self, second: SecondListener | None = None) -> None:
        try:
            import pocketsphinx
        except ImportError as error:
            raise RecogniserMissing(
                language="en", reason="pip install 'voxedge[hearing]'"
            ) from error
        model = Path(pocketsphinx.__file__).parent / "model" / "en-us"
        self._dictionary = Dictionary(model / "cmudict-en-us.dict")
        # With only the words that are said, a language model is made in 1 ms; with all 135,000 of
        # the dictionary it takes 2 s.
        with tempfile.NamedTemporaryFile("w", suffix=".dict", encoding="ascii") as empty:
            self._decoder: Any = pocketsphinx.Decoder(
                hmm=str(model / "en-us"),
                dict=empty.name,
                lm=None,
                # Both searches must score all senones, or their scores have different zeros.
                compallsen=True,
                cmn="batch",
                fwdflat=False,
                bestpath=False,
                loglevel="FATAL",
            )
        self._second = second
        self._meaning: Mapping[str, Hashable] = {}
        self._grammars = 0
        self._rivals: tuple[str, ...] = ()
        self._endings: Endings | None = None
        self._pieces: list[Int16Samples] = []
        self._raw: list[Int16Samples] = []
        self._part: tuple[int, int] | None = None
        self._samples = 0
        self._pause = Pause()
        self._suppressor = NoiseSuppressor()
        self._early: Heard | None = None
        self._stage = 0
        self._told = False

    @property
    def name(self) -> str:
        """Which of them listen."""
        both = self._second is not None and self._second.listening
        return "pocketsphinx and whisper" if both else "pocketsphinx"

    def wait_for_second(self) -> bool:
        """Wait until the second listener is open; False where there is none. Blocking: seconds."""
        return self._second is not None and self._second.wait()

    def set_grammar(self, grammar: Grammar) -> int:
        """See ``Recogniser.set_grammar``.

        Raises:
            RecogniserFailed: nothing of it can be heard.
        """
        declined = frozenset(self.declined(grammar))
        sure = tuple(t for t in grammar.templates if t.phrase not in declined)
        text = jsgf(Grammar(grammar.language, sure, grammar.values), self._knows)
        if not text:
            raise RecogniserFailed(reason="nothing in the grammar can be heard")
        self._learn({word for p in grammar.phrases() for word in p.split()} | set(grammar.decoys))
        old, self._grammars = f"grammar{self._grammars}", self._grammars + 1
        try:
            self._decoder.add_jsgf_string(f"grammar{self._grammars}", text)
            self._decoder.activate_search(f"grammar{self._grammars}")
            if self._grammars > 1:
                self._decoder.remove_search(old)
        except (ValueError, KeyError, RuntimeError) as error:
            raise RecogniserFailed(reason="the grammar was not taken") from error
        self._set_rivals(grammar)
        if self._second is not None:
            self._meaning = {p: m for p, m in grammar.meanings() if p not in declined}
            numbers = enumerate(load(grammar.language).numbers, start=1)
            self._second.learn(
                tuple(self._meaning), {said: str(number) for number, said in numbers}
            )
        self._endings = Endings(grammar)
        self.reset()
        return len(self.unheard(grammar))

    def unheard(self, grammar: Grammar) -> tuple[str, ...]:
        """See ``Recogniser.unheard``."""
        return tuple(p for p in grammar.phrases() if not all(map(self._knows, p.lower().split())))

    def declined(self, grammar: Grammar) -> tuple[str, ...]:
        """See ``Recogniser.declined``."""
        return tuple(
            t.phrase
            for t in grammar.templates
            if not t.slots
            and (t.phrase in LEFT_OUT or len(self._phonemes(t.phrase)) < FEWEST_PHONEMES)
        )

    def feed(self, samples: Int16Samples) -> Heard | None:
        """Keep the sound; decode it once the speaker makes a pause.

        Raises:
            RecogniserFailed: the decoder failed.
        """
        if not self._grammars or self._samples > LONGEST_S * RATE_HZ:
            return None
        self._samples += len(samples)
        samples = np.asarray(samples, dtype=np.int16)
        if self._second is not None:
            self._raw.append(samples)
        cleaned = self._suppressor.clean(samples)
        self._pieces.append(cleaned)
        pause_ms = self._pause.hear(cleaned)
        if pause_ms < DECODE_AFTER_MS[0]:
            self._early, self._told, self._stage = None, False, 0
            return None
        stage = sum(pause_ms >= after_ms for after_ms in DECODE_AFTER_MS)
        if self._early is None or (stage > self._stage and self._early.confidence < SURE):
            self._early = self._decode_all()
        self._stage = stage
        if self._told or pause_ms < SETTLED_MS[self._ending(self._early)]:
            return None
        self._told = True
        return replace(self._early, final=False, settled=True)

    def finish(self) -> Heard:
        """See ``Recogniser.finish``; nothing is left to do where the pause was long enough.

        Raises:
            RecogniserFailed: no grammar was set, or the decoder failed.
        """
        if not self._grammars:
            raise RecogniserFailed(reason="no grammar was set")
        heard = self._early or self._decode_all()
        self.reset()
        return heard

    def reset(self) -> None:
        """See ``Recogniser.reset``."""
        self._pieces.clear()
        self._raw.clear()
        self._part = None
        self._samples = 0
        self._pause.reset()
        self._suppressor = NoiseSuppressor()
        self._early = None
        self._stage = 0
        self._told = False

    def close(self) -> None:
        """Let the second listener's thread go."""
        if self._second is not None:
            self._second.close()

    def _ending(self, heard: Heard) -> Ending:
        if heard.confidence < SURE or self._endings is None:
            return Ending.OPEN
        return self._endings.of(heard.text)

    def _decode_all(self) -> Heard:
        sound = np.concatenate(self._pieces) if self._pieces else np.zeros(0, dtype=np.int16)
        first, end = self._pause.speech() or (0, len(sound) // FRAME)
        if end - first > MOST_FRAMES:
            return NOTHING
        # Mean and noise floor of the cepstra are those of the speech, not of the silence around it.
        first, end = max(0, first - EDGE_FRAMES), end + EDGE_FRAMES
        if self._early is not None and self._part == (first, min(end, len(sound) // FRAME)):
            return self._early
        sound = sound[first * FRAME : end * FRAME]
        self._part = first, first + len(sound) // FRAME
        # All zeros make the decoder's cepstra infinite.
        if len(sound) < SHORTEST_S * RATE_HZ or int(np.max(np.abs(sound.astype(np.int32)))) < 8:
            return NOTHING
        raw = np.concatenate(self._raw) if self._raw else sound[:0]
        raw = raw[first * FRAME : first * FRAME + len(sound)]
        try:
            return self._decode(sound.tobytes(), raw, *self._part)
        except RuntimeError as error:
            raise RecogniserFailed(reason="the decoder failed") from error

    def _set_rivals(self, grammar: Grammar) -> None:
        """Make the loop of everyday words: all decoys but the words of the commands themselves."""
        own = {word for t in grammar.templates for word in t.phrase.lower().split()}
        own |= {phrase for phrase in grammar.phrases() if " " not in phrase}
        words = tuple(w for w in dict.fromkeys(grammar.decoys) if w not in own and self._knows(w))
        if words == self._rivals:
            return
        # The decoder takes language models from files only.
        with tempfile.NamedTemporaryFile("w", suffix=".lm", encoding="ascii") as file:
            file.write(unigrams(words))
            file.flush()
            self._decoder.add_lm_file(RIVALS, file.name)
        self._rivals = words

    def _decode(self, pcm: bytes, raw: Int16Samples, first: int, end: int) -> Heard:
        asked = self._second.hear(raw) if self._second is not None else None
        decoded = self._search(f"grammar{self._grammars}", pcm)
        said = [s for s in decoded if s.label not in NO_SOUND]
        if sum(s.frames for s in said) < FEWEST_FRAMES:
            said = []
        if asked is not None:
            return self._together(decoded, said, asked.result(), first, end)
        if not said:
            return NOTHING
        words = [s.label.partition("(")[0] for s in said]
        evidence = evidence_of(
            decoded,
            self._search(RIVALS, pcm) if self._rivals else (),
            [phoneme for word in words for phoneme in self._phonemes(word)],
            self._pause.loud(first, end),
        )
        confidence = round(evidence.confidence, 3)
        timed = _timed(said, first, confidence)
        return Heard(" ".join(words), timed, confidence, end_ms=timed[-1].end_ms)

    def _together(
        self, decoded: list[Segment], said: list[Segment], opinion: Opinion, first: int, end: int
    ) -> Heard:
        phrase = " ".join(s.label.partition("(")[0] for s in said)
        own = First(phrase)
        if said:
            found = evidence_of(decoded, (), (), self._pause.loud(first, end))
            own = First(phrase, found.fit, found.coverage)
        weighed = weigh(own, opinion.likelihood, opinion.lost, self._meaning, self._length)
        if weighed is None:
            return NOTHING
        confidence = round(weighed.confidence, 3)
        timed = _timed(said, first, confidence)
        if weighed.phrase != phrase:
            # Whisper tells no times: its words share those of the speech.
            timed = _shared(weighed.phrase, first, end, confidence)
        return Heard(weighed.phrase, timed, confidence, end_ms=timed[-1].end_ms)

    def _search(self, name: str, pcm: bytes) -> list[Segment]:
        decoder = self._decoder
        decoder.activate_search(name)
        decoder.start_utt()
        decoder.process_raw(pcm, full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return []
        return [
            Segment(s.word, s.start_frame, s.end_frame, math.log(max(s.ascore, 1e-300)))
            for s in decoder.seg()
        ]

    def _learn(self, words: Iterable[str]) -> None:
        """Give the decoder the pronunciations of words that it has not met."""
        new = [
            (spelling, " ".join(phonemes))
            for word in sorted(words)
            if word in self._dictionary and self._decoder.lookup_word(word) is None
            for spelling, phonemes in variants(word, self._dictionary.of(word))
        ]
        for index, (spelling, phonemes) in enumerate(new):
            # The last one has the decoder build its tables anew.
            self._decoder.add_word(spelling, phonemes, index == len(new) - 1)

    def _knows(self, word: str) -> bool:
        return word in self._dictionary

    def _length(self, phrase: str) -> int:
        """Return how many phonemes a phrase has; of a word without any known, its letters."""
        return sum(len((self._dictionary.of(w) or (w,))[0]) for w in phrase.lower().split())

    def _phonemes(self, phrase: str) -> tuple[str, ...]:
        return tuple(
            phoneme
            for word in phrase.lower().split()
            for phoneme in (self._dictionary.of(word) or ((),))[0]
        )


def _timed(said: Sequence[Segment], first: int, confidence: float) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(
            s.label.partition("(")[0],
            FRAME_MS * (first + s.first),
            FRAME_MS * (first + s.last + 1),
            confidence,
        )
        for s in said
    )


def _shared(phrase: str, first: int, end: int, confidence: float) -> tuple[HeardWord, ...]:
    words = phrase.split()
    cuts = [FRAME_MS * (first + (end - first) * n // len(words)) for n in range(len(words) + 1)]
    return tuple(
        HeardWord(word, start_ms, end_ms, confidence)
        for word, start_ms, end_ms in zip(words, cuts, cuts[1:], strict=False)
    )


class Dictionary:
    """Pronunciations of the CMU dictionary, the usual one of a word first.

    A line is taken apart only when its word is asked for: all 135,000 cost 0.3 s at each start.

    Args:
        path: of the dictionary.
    """

    def __init__(self, path: Path) -> None:
        lines = path.read_text(encoding="utf-8").splitlines()
        self._lines = dict(line.partition(" ")[::2] for line in lines)

    def __contains__(self, word: str) -> bool:
        return word in PRONUNCIATIONS or word in self._lines

    def of(self, word: str) -> tuple[tuple[str, ...], ...]:
        """Return every pronunciation of a word; none of an unknown one."""
        found = list(PRONUNCIATIONS.get(word, ()))
        number = 1
        while (line := self._lines.get(word if number == 1 else f"{word}({number})")) is not None:
            found.append(tuple(line.split()))
            number += 1
        return tuple(found)


def variants(word: str, spoken: Sequence[Sequence[str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield a word's entries as the decoder wants them: "the", "the(2)"."""
    for number, phonemes in enumerate(spoken, start=1):
        yield (word if number == 1 else f"{word}({number})"), phonemes


def unigrams(words: Sequence[str]) -> str:
    """Return a language model of equally likely words, in ARPA's format."""
    each = -math.log10(len(words) + 1)
    lines = [f"{each:.4f} {word}" for word in (*words, "</s>")]
    head = ["\\data\\", f"ngram 1={len(words) + 2}", "", "\\1-grams:", "-99 <s>"]
    return "\n".join([*head, *lines, "", "\\end\\", ""])
