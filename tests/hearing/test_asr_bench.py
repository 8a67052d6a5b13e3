"""The hearing's measurements: noise as promised, phrases covered, figures counted right."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from voxedge.audio.endpoint import Endpointer
from voxedge.bench import asr
from voxedge.bench.asr_noise import Noise, babble_of, kitchen, mixed, white
from voxedge.bench.asr_rejects import FalseAccepts, false_accepts
from voxedge.bench.asr_speakers import Speaker, speakers_of
from voxedge.bench.asr_stream import Listener
from voxedge.bench.asr_talk import sentences
from voxedge.bench.asr_words import Recorded, heard_words, recorded, with_words
from voxedge.cli.main import main
from voxedge.commands.grammar import Grammar, build
from voxedge.commands.language import load
from voxedge.commands.parse import parse
from voxedge.engines.asr.protocol import NOTHING, Heard
from voxedge.errors import UsageError
from voxedge.errors.base import EXIT_INTERRUPTED

ENGLISH = load("en")
EVERYTHING = build(ENGLISH)
RANDOM = np.random.default_rng(6)
SPEECH = RANDOM.normal(0, 0.2, 16_000).astype(np.float32)
NOISES = {"white": white, "kitchen": kitchen, "babble": babble_of(SPEECH)}


class FakeEngine:
    """Hears one text whatever is said, and settles once it was fed so many samples."""

    name, language = "fake", "en"

    def __init__(self, text: str, settles_after: int = 1 << 30) -> None:
        self.text, self.settles_after, self.fed = text, settles_after, 0

    def set_grammar(self, grammar: Grammar) -> int:
        return 0

    def unheard(self, grammar: Grammar) -> tuple[str, ...]:
        return ()

    def declined(self, grammar: Grammar) -> tuple[str, ...]:
        return ()

    def feed(self, samples: Any) -> Heard | None:
        self.fed += len(samples)
        if self.fed > self.settles_after:
            return Heard(self.text, (), 0.9, final=False, settled=True)
        return None

    def finish(self) -> Heard:
        self.fed = 0
        return Heard(self.text, (), 0.9) if self.text else NOTHING

    def reset(self) -> None:
        self.fed = 0

    def close(self) -> None:
        pass


def loud(frame: Any) -> float:
    return 1.0 if np.abs(frame.astype(np.int32)).mean() > 500 else 0.0


def listener(engine: FakeEngine) -> Listener:
    return Listener(engine, ENGLISH, EVERYTHING, lambda: Endpointer(loud))


# -- noise -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)
@pytest.mark.parametrize("snr_db", [20.0, 5.0])
def test_noise_is_as_loud_as_promised_and_the_same_each_time(noise: Noise, snr_db: float) -> None:
    speech = np.concatenate([SPEECH, np.zeros(16_000, dtype=np.float32)])
    sound = mixed(speech, noise, snr_db, seed=3, edge_s=0.5, after_s=0.0)
    assert np.array_equal(sound, mixed(speech, noise, snr_db, seed=3, edge_s=0.5, after_s=0.0))
    assert len(sound) == 40_000
    assert 0.05 < np.max(np.abs(sound.astype(float))) / 32768 < 0.65
    # The ratio is that over the whole clip; a knock may fall into either part.
    if noise is white:
        noisy, quiet = sound[8_000:24_000].astype(float), sound[24_000:].astype(float)
        ratio_db = 10 * np.log10((np.var(noisy) - np.var(quiet)) / np.var(quiet))
        assert ratio_db == pytest.approx(snr_db, abs=0.7)


def test_a_kitchen_knocks_and_hums() -> None:
    sound = kitchen(16_000 * 20, np.random.default_rng(2)).astype(float)
    blocks = np.sqrt(np.mean(np.square(sound.reshape(-1, 160)), axis=1))
    assert np.max(blocks) > 4 * np.median(blocks), "crockery stands out"
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    hz = np.fft.rfftfreq(len(sound), 1 / 16_000)
    assert spectrum[np.abs(hz - 50) < 1].max() > 20 * np.median(spectrum[(hz > 52) & (hz < 98)])


def test_silence_can_be_mixed_too() -> None:
    sound = mixed(np.zeros(1600, dtype=np.float32), white, 20.0, seed=1)
    assert np.isfinite(sound.astype(float)).all()


# -- what is said ----------------------------------------------------------------------------------


def test_the_speakers_together_say_everything() -> None:
    phrases = asr.said_phrases(EVERYTHING)
    assert len(phrases) == len(set(phrases)) > 150
    assert all(parse(phrase, ENGLISH, EVERYTHING) is not None for phrase in phrases)
    literal = {t.phrase for t in EVERYTHING.templates if not t.slots}
    assert literal <= set(phrases)
    names = [f"voice {number}" for number in range(40)]
    speakers = [Speaker(name, False, lambda _text: SPEECH) for name in names]
    said = {p for s in speakers for p in asr.phrases_of(s, phrases, 5)}
    assert said == set(phrases)


def test_talk_is_no_command_and_the_same_each_time() -> None:
    talk = [sentence for sentence, _ in zip(sentences(5), range(200), strict=False)]
    assert talk == [sentence for sentence, _ in zip(sentences(5), range(200), strict=False)]
    assert len(set(talk)) > 150
    assert [s for s in talk if parse(s, ENGLISH, EVERYTHING) is not None] == []


def test_speakers_that_are_not_here_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'nobody' is no folder"):
        speakers_of(["nobody"], "en", tmp_path)
    speakers, skipped = speakers_of(["flite"], "ko", tmp_path)
    assert (speakers, list(skipped)) == ([], ["flite"])


def test_a_speaker_that_fails_is_left_out_and_named() -> None:
    def fail(_text: str) -> Any:
        raise UsageError(reason="no voice today")

    skipped: dict[str, str] = {}
    hoarse, fine = Speaker("a", False, fail), Speaker("b", False, lambda _text: SPEECH)
    assert asr._able([hoarse, fine], ["stop"], asr.Plan(every=1), skipped) == [fine]
    assert skipped == {"a": "no voice today"}


def test_a_folder_of_recordings_is_a_speaker(tmp_path: Path) -> None:
    (tmp_path / "anna").mkdir()
    quiet = np.zeros(4_000, dtype=np.float32)
    soundfile.write(
        tmp_path / "anna" / "next_page.wav", np.concatenate([quiet, SPEECH, quiet]), 16_000
    )
    speakers, _ = speakers_of([str(tmp_path / "anna")], "en", tmp_path)
    assert [(s.name, s.phrases) for s in speakers] == [("recordings anna", ("next page",))]
    assert len(speakers[0].say("next page")) == pytest.approx(16_000, abs=100)


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_clip_is_made_once(tmp_path: Path) -> None:
    speaker = speakers_of(["espeak"], "en", tmp_path)[0][0]
    first = speaker.say("stop")
    clips = list((tmp_path / "clips").iterdir())
    assert len(clips) == 1
    assert np.allclose(first, speaker.say("stop"), atol=1e-4)
    assert list((tmp_path / "clips").iterdir()) == clips


# -- listening -------------------------------------------------------------------------------------


def clip(seconds: float = 0.5) -> Any:
    return mixed(SPEECH[: round(16_000 * seconds)], white, 40.0, 1, after_s=1.2)


def test_the_wait_is_the_endpointers_silence_or_the_recognisers_shorter_one() -> None:
    end_ms = 1000 * (asr.EDGE_S + 0.5)
    slow = list(listener(FakeEngine("stop")).listen(clip()))
    early = list(listener(FakeEngine("stop", settles_after=14_000)).listen(clip()))
    assert [o.intent is not None for o in (*slow, *early)] == [True, True]
    assert slow[0].at_ms - end_ms == pytest.approx(480, abs=60)
    assert early[0].at_ms - end_ms < 350


def test_nothing_said_is_no_outcome_and_no_command_is_no_intent() -> None:
    assert list(listener(FakeEngine("stop")).listen(np.zeros(32_000, dtype=np.int16))) == []
    outcomes = list(listener(FakeEngine("")).listen(clip()))
    assert [o.intent for o in outcomes] == [None]


def test_what_is_accepted_is_counted() -> None:
    counted = FalseAccepts.count("recordings x", listener(FakeEngine("stop")), [clip(), clip()])
    assert (counted.utterances, counted.accepted) == (2, 2)
    assert counted.actions == ("stop (stop)", "stop (stop)")
    assert counted.as_json()["an_hour"] == pytest.approx(3600 * 2 / counted.seconds, abs=0.01)


def test_words_of_a_recording_must_come_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "words.wav"
    quiet = np.zeros(16_000, dtype=np.float32)
    soundfile.write(path, np.concatenate([SPEECH, quiet, SPEECH, quiet]), 16_000)

    class Twice(FakeEngine):
        def __init__(self) -> None:
            super().__init__("")
            self.said = ["rhino", "icecream"]

        def finish(self) -> Heard:
            self.text = self.said.pop(0)
            return super().finish()

    recording = recorded(f"{path}=rhino,icecream")
    assert recording == Recorded(path, ("rhino", "icecream"))
    assert recorded("a.wav").words == ()
    assert "coffee" not in with_words(EVERYTHING, ["coffee"]).decoys
    noises = [("white", white, 40.0)]

    def count(engine: FakeEngine) -> dict[str, Any]:
        return heard_words(
            recording, engine, ENGLISH, EVERYTHING, lambda: Endpointer(loud), noises
        )[0]

    row = count(Twice())
    assert (row["right"], row["words"], row["wrong"]) == (2, 2, [])
    row = count(FakeEngine("stop"))
    assert (row["right"], row["wrong"]) == (0, ["stop", "stop"])


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_rooms_are_listened_to_tapped_and_open(tmp_path: Path) -> None:
    rows = list(false_accepts(listener(FakeEngine("")), "en", 0.1, tmp_path))
    assert [row.name for row in rows] == [
        "push-to-talk, conversation",
        "open, conversation",
        "push-to-talk, kitchen",
        "open, kitchen",
    ]
    assert all(row.accepted == 0 for row in rows)
    assert rows[0].seconds == 360
    assert rows[1].utterances > 3


# -- figures ---------------------------------------------------------------------------------------


def trials() -> Iterator[asr.Trial]:
    for index in range(20):
        made = "right" if index % 10 else ("wrong" if index else "none")
        yield asr.Trial("a", index < 10, "white", 20.0, "stop", made, "stop", 100.0 + index)


def result(**changes: Any) -> dict[str, Any]:
    base = {
        "engine": "fake",
        "language": "en",
        "declined": ("no",),
        "skipped": {"kokoro": "no npm"},
        "accuracy": asr.accuracy(list(trials())),
        "wait_ms": asr.waits(list(trials())),
        "real_time_factor": 0.1,
        "false_accepts": [FalseAccepts("push-to-talk, kitchen", 3600, 9, 1).as_json()],
        "words": [],
        "wakes": None,
        "recovery": {"told": True, "back_s": 0.4},
    }
    return {**base, **changes}


def test_shares_are_counted_by_speaker_noise_and_half() -> None:
    rows = {(r["by"], r["name"]): r for r in asr.accuracy(list(trials()))}
    assert rows["speaker", "a"]["right"] == 0.9
    assert rows["speaker", "a"]["wrong"] == 0.05
    assert rows["half", "held out"]["trials"] == 10
    assert asr.percentiles([1.0]) is None
    waits = asr.waits(list(trials()))
    assert waits["noisy"] is None
    assert waits["quiet"] == {"median": 109.5, "p95": pytest.approx(119, abs=1)}


def test_a_bar_that_is_not_met_is_said_so() -> None:
    bars = {bar["name"]: bar["met"] for bar in asr.bars(result())}
    assert bars["right at 20 dB, speakers held out"]
    assert bars["worker killed, s until it hears"]
    assert len(bars) == 5
    poor = result(
        false_accepts=[FalseAccepts("recordings digits", 30, 20, 1).as_json()],
        recovery={"told": True, "back_s": 2.5},
        wait_ms={"quiet": {"median": 100.0, "p95": 301.0}, "noisy": None},
    )
    assert sum(not bar["met"] for bar in asr.bars(poor)) == 3
    text = asr.table({**poor, "bars": asr.bars(poor)})
    assert text.count("NOT MET") == 3
    assert "not measured: kokoro: no npm" in text


def test_an_engine_for_another_language_is_told() -> None:
    from voxedge.errors import RecogniserMissing

    with pytest.raises(RecogniserMissing):
        asr.run(asr.Plan(language="ko", engine="pocketsphinx"))


def test_it_is_measured_in_a_process_with_products_on_one_thread(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert main(["bench", "asr", "--speakers", "nobody"]) == UsageError.exit_code
    assert "'nobody' is no folder and none of:" in capsys.readouterr().err
    seen: list[str | None] = []

    class Pool:
        def __init__(self, *_: Any, **__: Any) -> None:
            seen.append(os.environ.get("OPENBLAS_NUM_THREADS"))
            raise KeyboardInterrupt

    monkeypatch.setattr("voxedge.cli.bench.ProcessPoolExecutor", Pool)
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    assert main(["bench", "asr"]) == EXIT_INTERRUPTED
    assert seen == ["1"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_the_whole_bench_runs(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="the extra 'hearing' is not installed")
    plan = asr.Plan(engine="pocketsphinx", speakers=("espeak",), every=150)
    figures = asr.run(plan, tmp_path)
    assert figures["engine"] == "pocketsphinx"
    assert figures["left_out"] == 0
    assert {row["snr_db"] for row in figures["accuracy"]} == set(asr.SNR_DB)
    assert "% of commands right" in asr.table(figures)
