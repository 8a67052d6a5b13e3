"""The designed sounds: level, length, edges, and that no two can be taken for each other."""

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from voxedge.audio.earcon_designs import DESIGNS, PEAK_DBFS, render

RATES_HZ = (16_000, 22_050, 48_000)
NAMES = (
    "done",
    "error",
    "guide_far",
    "guide_near",
    "guide_steady",
    "key_press",
    "limit",
    "listen",
    "listened",
    "ready",
    "shutter",
    "volume",
    "working",
)


def test_every_state_has_its_sound() -> None:
    assert tuple(sorted(DESIGNS)) == NAMES


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("name", NAMES)
def test_level_length_and_edges(name: str, rate_hz: int) -> None:
    sound = render(DESIGNS[name], rate_hz)
    assert sound.dtype == np.float32
    assert 80 <= 1000 * len(sound) / rate_hz <= 400.5
    assert abs(1000 * len(sound) / rate_hz - DESIGNS[name].length_ms) < 0.5
    assert 20 * np.log10(np.max(np.abs(sound))) == pytest.approx(PEAK_DBFS, abs=0.01)
    assert sound[0] == sound[-1] == 0.0
    # The first and last millisecond stay below -30 dBFS: no click.
    edge = rate_hz // 1000
    loudest_at_edge = max(np.max(np.abs(sound[:edge])), np.max(np.abs(sound[-edge:])))
    assert loudest_at_edge < 10 ** (-30 / 20)


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_jumps(name: str) -> None:
    """A click is a step; the steepest legal slope is that of the highest partial in use."""
    sound = render(DESIGNS[name], 48_000)
    loudest = np.max(np.abs(sound))
    assert np.max(np.abs(np.diff(sound))) < loudest * 2 * np.pi * 4200 / 48_000


@pytest.mark.parametrize("name", NAMES)
def test_most_of_it_is_below_two_kilohertz_where_old_ears_hear(name: str) -> None:
    sound = render(DESIGNS[name], 48_000)
    power = np.abs(np.fft.rfft(sound)) ** 2
    frequency_hz = np.fft.rfftfreq(len(sound), 1 / 48_000)
    assert power[frequency_hz < 2000].sum() > 0.85 * power.sum()
    assert power[(frequency_hz > 200) & (frequency_hz < 2000)].sum() > 0.8 * power.sum()


def heard(name: str) -> np.ndarray:
    """Loudness in eight bands of 250 to 2,000 Hz every 20 ms: what a damaged ear is left with."""
    rate_hz, hop, window = 8000, 160, 320
    sound = render(DESIGNS[name], rate_hz)
    padded = np.pad(sound, (window // 2, round(0.42 * rate_hz) - len(sound) + window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop][:21]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), 1024)) ** 2
    bins = (np.geomspace(250, 2000, 9) / rate_hz * 1024).astype(int)
    bands = np.stack([power[:, a:b].sum(axis=1) for a, b in pairwise(bins)])
    return np.clip(10 * np.log10(bands / bands.max() + 1e-4), -30, 0) + 30


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_no_two_can_be_taken_for_each_other(one: str, other: str) -> None:
    a, b = heard(one), heard(other)
    cosine = float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
    assert cosine < 0.65
    contours = [
        [(round(note.length_ms), round(note.gap_ms), note.end_hz > 0) for note in DESIGNS[x].notes]
        for x in (one, other)
    ]
    assert contours[0] != contours[1], "the rhythm differs even without any pitch"


def test_good_news_rises_and_bad_news_falls() -> None:
    def slope(name: str) -> float:
        first, last = DESIGNS[name].notes[0], DESIGNS[name].notes[-1]
        return (last.end_hz or last.start_hz) / first.start_hz

    assert min(slope("ready"), slope("done"), slope("listen")) >= 4 / 3
    assert max(slope("error"), slope("limit")) <= 3 / 4
    assert slope("volume") == slope("working") == slope("key_press") == 1.0


def test_the_documentation_lists_every_sound_with_its_meaning() -> None:
    docs = (Path(__file__).parents[2] / "docs" / "sounds.md").read_text()
    for name, design in DESIGNS.items():
        assert f"| `{name}` | {design.meaning} |" in docs
