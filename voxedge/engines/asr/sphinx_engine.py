"""pocketsphinx with its bundled English model: commands out of the box, without a download.

The sound is cleaned as it comes (``denoise``). Once the speaker pauses, the part that is speech is
decoded twice: by the grammar, and as free phonemes, whose difference tells a command from anything
else (``evidence``). So the work is done within the pause that an endpointer has to wait for
anyway, and ``finish`` finds it done. Mean and noise floor of the cepstra come from the speech
alone and from all of it: a live mean starts wrong in every new room.

Both searches take 0.11 of real time on the development machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxedge.actions import Action
from voxedge.commands.endings import SETTLED_MS, Ending, Endings
from voxedge.commands.grammar import Grammar, jsgf
from voxedge.commands.language import load
from voxedge.commands.parse import threshold
from voxedge.engines.asr.denoise import NoiseSuppressor
from voxedge.engines.asr.evidence import NO_SOUND, Segment, evidence_of
from voxedge.engines.asr.judgement import First, Weighed, weigh
from voxedge.engines.asr.pause import FRAME, FRAME_MS, SHARE, Pause
from voxedge.engines.asr.protocol import LONGEST_S, NOTHING, RATE_HZ, Heard, HeardWord
from voxedge.engines.asr.second import SecondListener
from voxedge.engines.asr.sphinx_decoder import Dictionary, SphinxDecoder, model_folder
from voxedge.errors import RecogniserFailed

if TYPE_CHECKING:
    from voxedge.engines.asr.protocol import Int16Samples
    from voxedge.engines.asr.whisper_listener import Opinion

SHORTEST_S = 0.15
"""Of an utterance; a click is no word."""

MOST_FRAMES = 450
"""Of speech: 4.5 s. The longest command, said slowly, takes 3 s; a conversation is not decoded."""

EDGE_FRAMES = 15
"""Decoded before and after the speech: soft beginnings and ends."""

SOFT_END_FRAMES = 8
"""More of a part than a sure command was heard in: a breath, an echo. No word is so short."""

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


class SphinxRecogniser:
    """A ``Recogniser`` for English. Blocking: made and used on one thread.

    Raises:
        RecogniserMissing: the package is not installed.
    """

    language = "en"

    def __init__(self, second: SecondListener | None = None) -> None:
        self._dictionary = Dictionary(model_folder() / "cmudict-en-us.dict")
        # Both searches must score all senones, or their scores have different zeros.
        self._decoder = SphinxDecoder(self._dictionary, all_senones=True)
        self._both = False
        self._said: tuple[str, frozenset[str]] | None = None
        """The grammar as the decoder takes it, and its words."""
        self._second = second
        self._meaning: Mapping[str, tuple[Action, tuple[str, ...]]] = {}
        self._endings: Endings | None = None
        self._pieces: list[Int16Samples] = []
        self._raw: list[Int16Samples] = []
        self._part: tuple[int, int] | None = None
        self._last: Heard | None = None
        """What was made of the part."""
        self._samples = 0
        self._pause = Pause()
        self._suppressor = NoiseSuppressor()
        self._early: Heard | None = None
        self._stage = 0
        self._told = False

    @property
    def name(self) -> str:
        """Which of them listen."""
        return "pocketsphinx and whisper" if self._both else "pocketsphinx"

    def wait_for_second(self) -> bool:
        """Wait until both listen; False where there is no second one. Blocking: seconds."""
        if self._second is not None and self._second.wait():
            self.reset()
        return self._both

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
        words = frozenset(word for p in grammar.phrases() for word in p.split())
        rivals = () if self._both else self._rivals(grammar)
        self._said = None
        # All words at once: each later one would have the decoder build the grammar anew.
        self._decoder.set_grammar(text, words.union(rivals))
        self._said = text, words
        if rivals:
            self._decoder.set_rivals(rivals)
        self._meaning = {p: m for p, m in grammar.meanings() if p not in declined}
        if self._second is not None:
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
        if self._said is None or self._samples > LONGEST_S * RATE_HZ:
            return None
        self._samples += len(samples)
        samples = np.asarray(samples, dtype=np.int16)
        if self._second is not None:
            self._raw.append(samples)
        cleaned = self._suppressor.clean(samples)
        self._pieces.append(cleaned)
        pause_ms = self._pause.hear(cleaned)
        if self._early is not None and self._ending(self._early) is Ending.WHOLE:
            # Nothing can follow: what is soft now is an echo, a breath, the room.
            pause_ms = self._pause.since(SHARE)
        if pause_ms < DECODE_AFTER_MS[0]:
            self._early, self._told, self._stage = None, False, 0
            return None
        stage = sum(pause_ms >= after_ms for after_ms in DECODE_AFTER_MS)
        if self._early is None or (stage > self._stage and not self._sure(self._early)):
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
        if self._said is None:
            raise RecogniserFailed(reason="no grammar was set")
        heard = self._early or self._decode_all()
        self._forget()
        return heard

    def reset(self) -> None:
        """See ``Recogniser.reset``."""
        self._forget()
        self._join()

    def _forget(self) -> None:
        self._pieces.clear()
        self._raw.clear()
        self._part = self._last = None
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
        if not self._sure(heard) or self._endings is None:
            return Ending.OPEN
        return self._endings.of(heard.text)

    def _sure(self, heard: Heard) -> bool:
        """Whether a speaker need not be waited for: what was heard would be done."""
        meaning = self._meaning.get(heard.text)
        return meaning is not None and heard.confidence >= threshold(meaning[0])

    def _decode_all(self) -> Heard:
        sound = np.concatenate(self._pieces) if self._pieces else np.zeros(0, dtype=np.int16)
        first, end = self._pause.speech() or (0, len(sound) // FRAME)
        if end - first > MOST_FRAMES:
            return NOTHING
        spoken = end - first
        # Mean and noise floor of the cepstra are those of the speech, not of the silence around it.
        first, end = max(0, first - EDGE_FRAMES), end + EDGE_FRAMES
        end = min(end, len(sound) // FRAME)
        if self._last is not None and self._same(first, end):
            return self._last
        sound = sound[first * FRAME : end * FRAME]
        self._part = first, first + len(sound) // FRAME
        # All zeros make the decoder's cepstra infinite.
        if len(sound) < SHORTEST_S * RATE_HZ or int(np.max(np.abs(sound.astype(np.int32)))) < 8:
            return NOTHING
        raw = np.concatenate(self._raw) if self._raw else sound[:0]
        raw = raw[first * FRAME : first * FRAME + len(sound)]
        try:
            self._last = self._decode(sound.tobytes(), raw, *self._part, spoken)
        except RuntimeError as error:
            raise RecogniserFailed(reason="the decoder failed") from error
        return self._last

    def _same(self, first: int, end: int) -> bool:
        """Whether a part is the one that was decoded last; a sure one may have had a soft end."""
        if self._last is None or self._part is None or self._part[0] != first:
            return False
        longer = end - self._part[1]
        return longer == 0 or (0 < longer <= SOFT_END_FRAMES and self._sure(self._last))

    def _rivals(self, grammar: Grammar) -> tuple[str, ...]:
        """Return the loop of everyday words: all decoys but the words of the commands."""
        own = {word for t in grammar.templates for word in t.phrase.lower().split()}
        own |= {phrase for phrase in grammar.phrases() if " " not in phrase}
        return tuple(w for w in dict.fromkeys(grammar.decoys) if w not in own and self._knows(w))

    def _decode(self, pcm: bytes, raw: Int16Samples, first: int, end: int, spoken: int) -> Heard:
        asked = self._second.hear(raw) if self._second is not None and self._both else None
        if asked is not None:
            return self._together(pcm, asked.result(), first, end, spoken)
        decoded, said = self._by_grammar(pcm)
        if not said:
            return NOTHING
        words = _words(said).split()
        evidence = evidence_of(
            decoded,
            self._decoder.by_rivals(pcm),
            [phoneme for word in words for phoneme in self._phonemes(word)],
            self._pause.loud(first, end),
        )
        confidence = round(evidence.confidence, 3)
        timed = _timed(said, first, confidence)
        return Heard(" ".join(words), timed, confidence, end_ms=timed[-1].end_ms)

    def _by_grammar(self, pcm: bytes) -> tuple[list[Segment], list[Segment]]:
        """Return the decoding, and its words; none where they are too short for a command."""
        decoded = self._decoder.by_grammar(pcm)
        said = [s for s in decoded if s.label not in NO_SOUND]
        return decoded, said if sum(s.frames for s in said) >= FEWEST_FRAMES else []

    def _together(self, pcm: bytes, opinion: Opinion, first: int, end: int, spoken: int) -> Heard:
        weighed, said = self._weighed(First(""), opinion, spoken), list[Segment]()
        if weighed is None or not weighed.decided:
            decoded, said = self._by_grammar(pcm)
            if said:
                found = evidence_of(decoded, (), (), self._pause.loud(first, end))
                own = First(_words(said), found.fit, found.coverage)
                weighed = self._weighed(own, opinion, spoken)
        if weighed is None:
            return NOTHING
        confidence = round(weighed.confidence, 3)
        timed = _timed(said, first, confidence)
        if weighed.phrase != _words(said):
            # Whisper tells no times: its words share those of the speech.
            timed = _shared(weighed.phrase, first, end, confidence)
        return Heard(weighed.phrase, timed, confidence, end_ms=timed[-1].end_ms)

    def _weighed(self, first: First, opinion: Opinion, spoken: int) -> Weighed | None:
        likelihood, lost = opinion.likelihood, opinion.lost
        return weigh(first, likelihood, lost, self._meaning, self._length, spoken)

    def _join(self) -> None:
        """Let the second listener decide too, from the next utterance on, once it is open.

        The evidence of pocketsphinx alone is not asked for any more then, so that its decoder need
        not score all senones: half the time.
        """
        if self._both or self._said is None or self._second is None or not self._second.listening:
            return
        self._decoder = SphinxDecoder(self._dictionary, all_senones=False)
        self._decoder.set_grammar(*self._said)
        self._both = True

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


def _words(said: Sequence[Segment]) -> str:
    return " ".join(s.label.partition("(")[0] for s in said)


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
