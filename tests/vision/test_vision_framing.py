"""The verdict on a live picture: simulated scenes whose verdict is known, and real photographs."""

from pathlib import Path

import numpy as np
import pytest

from voxedge.bench.framing import settled, simulated
from voxedge.engines.ocr.images import load_frame
from voxedge.testing.scenes import noisy, view
from voxedge.vision.framing import Scene, Verdict, judge
from voxedge.vision.quality import crispness, movement, thumb

SHARED = Path(__file__).parents[3] / "shared"


def test_nearly_all_scenes_are_judged_right() -> None:
    judged = list(simulated(seed=500, count=2))
    right = [verdict in scenery.accepted for scenery, verdict in judged]
    assert len(right) == 28
    assert sum(right) >= 25


def test_a_page_that_lies_right_is_never_refused_for_noise() -> None:
    rng = np.random.default_rng(3)
    grey, scene, verdicts = view(0), Scene(), []
    for _ in range(6):
        judgement, scene = judge(noisy(grey, rng), 2592, scene)
        verdicts.append(judgement.verdict)
    assert verdicts == [Verdict.MOVING] + 5 * [Verdict.OK], "the first has nothing to compare with"


def test_a_lamp_that_gets_brighter_is_no_movement_and_a_shift_is() -> None:
    grey = view(1)
    brighter = np.clip(grey * 1.15, 0, 255).astype(np.uint8)
    limit = 0.035
    assert movement(thumb(grey), thumb(brighter)) < limit
    assert movement(thumb(grey), thumb(np.roll(grey, 3, axis=0))) > limit
    assert movement(thumb(grey), thumb(grey[:100])) == 1.0


@pytest.mark.parametrize("shape", [(1, 1), (2, 640), (640, 2), (480, 640)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_any_even_picture_gets_a_verdict(shape: tuple[int, int], level: int) -> None:
    grey, scene = np.full(shape, level, np.uint8), Scene()
    for _ in range(2):
        judgement, scene = judge(grey, 2592, scene)
    expected = {0: Verdict.TOO_DARK, 128: Verdict.NOTHING, 255: Verdict.TOO_BRIGHT}
    assert judgement.verdict is expected[level]


def test_crispness_tells_blur_from_sharp_on_any_page() -> None:
    import cv2

    for seed in range(3):
        sharp = view(seed)
        assert crispness(sharp) > 0.5 > crispness(cv2.GaussianBlur(sharp, (0, 0), 2.0))


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="no photographs beside the project")
@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("leaflets/df0_L1_A.jpg", Verdict.OK),
        ("leaflets/zh0_L1_A.jpg", Verdict.OK),
        ("photos/documents/svt_upright.jpg", Verdict.OK),
        ("photos/boxes/m14_nurofen_tr.jpg", Verdict.OK),
        ("photos/boxes/m13_imunol_dark.jpg", Verdict.TOO_DARK),
        ("photos/boxes/m15_parol_blur.jpg", Verdict.TOO_DARK),
    ],
)
def test_photographs(name: str, verdict: Verdict) -> None:
    assert settled(load_frame(SHARED / name).pixels).verdict is verdict
