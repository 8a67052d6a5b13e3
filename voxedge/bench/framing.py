"""How often is the verdict on a live picture right, and what does it cost beside reading it.

    python -m voxedge.bench.framing            # simulated scenes, and the photographs beside
    python -m voxedge.bench.framing --cost     # milliseconds a picture, as a share of its OCR

Simulated scenes have a known verdict: a page slides under the camera, a hand moves it, the lamp
goes out, a lamp shines in it. They are set apart from those that the limits were chosen by
(``--seed``). Of the photographs, those that were read well should be called good.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from voxedge.engines.camera.picture import ArrayPicture
from voxedge.engines.ocr.images import load_frame
from voxedge.testing.scenes import Scenery, scenes
from voxedge.vision.framing import Judgement, Scene, Verdict, judge

SMALL_PX = 640
_NOISE = 1.5


def settled(pixels: np.ndarray, seed: int = 0) -> Judgement:
    """Judge a picture that lies still: seen twice, with the noise of another moment."""
    picture = ArrayPicture(pixels)
    grey = picture.small(SMALL_PX)
    rng = np.random.default_rng(seed)
    scene = Scene()
    judgement = None
    for _ in range(2):
        noisy = np.clip(grey + rng.normal(0, _NOISE, grey.shape), 0, 255).astype(np.uint8)
        judgement, scene = judge(noisy, max(pixels.shape[:2]), scene)
    assert judgement is not None
    return judgement


def simulated(seed: int, count: int) -> Iterator[tuple[Scenery, Verdict]]:
    """Yield scenes and the verdict on each."""
    for scenery in scenes(seed, count):
        scene = Scene()
        verdict = Verdict.NOTHING
        for frame in scenery.frames:
            judgement, scene = judge(frame, scenery.full_long_px, scene)
            verdict = judgement.verdict
        yield scenery, verdict


def print_simulated(seed: int, count: int) -> None:
    """Print a table: what a scene was made as, how often it was called so, what else."""
    asked: Counter[Verdict] = Counter()
    right: Counter[Verdict] = Counter()
    taken_for: dict[Verdict, Counter[str]] = {}
    for scenery, verdict in simulated(seed, count):
        asked[scenery.verdict] += 1
        if verdict in scenery.accepted:
            right[scenery.verdict] += 1
        else:
            taken_for.setdefault(scenery.verdict, Counter())[verdict.value] += 1
    print(f"simulated scenes, seed {seed}\n{'made as':<12} {'scenes':>6} {'right':>6}  taken for")
    for verdict, number in asked.items():
        others = ", ".join(f"{n} {k}" for k, n in taken_for.get(verdict, Counter()).most_common())
        print(f"{verdict.value:<12} {number:>6} {right[verdict] / number:>6.2f}  {others}")
    print(f"{'all':<12} {asked.total():>6} {right.total() / asked.total():>6.3f}")


def print_photographs(paths: list[Path]) -> None:
    """Print the verdict on each photograph."""
    print(f"\n{'photograph':<28} {'verdict':<10} {'crisp':>5} {'letter px':>9} {'letters':>7}")
    for path in paths:
        j = settled(load_frame(path).pixels)
        print(
            f"{path.name[:28]:<28} {j.verdict.value:<10} {j.crispness:5.2f} {j.letter_px:9.1f} "
            f"{j.letters:7d}"
        )


def print_cost(paths: list[Path]) -> None:
    """Print what a verdict costs beside reading the same picture, in processor time."""
    from voxedge.engines.ocr.reader import TesseractReader
    from voxedge.errors import VoxedgeError

    cv2.setNumThreads(1)
    reader = TesseractReader()
    shares, moving_shares = [], []
    print(f"\n{'photograph':<28} {'still ms':>8} {'moving ms':>9} {'OCR ms':>8} {'share %':>8}")
    for path in paths:
        frame = load_frame(path)
        language = "chi_sim" if path.name.startswith("zh") else "eng"
        grey = ArrayPicture(frame.pixels).small(SMALL_PX)
        full = max(frame.pixels.shape[:2])
        _, scene = judge(grey, full, Scene())
        still_ms = _cpu_ms(lambda g=grey, f=full, s=scene: judge(g, f, s), 5)
        moving_ms = _cpu_ms(lambda g=grey, f=full: judge(g, f, Scene()), 5)
        before = _all_cpu_ms()
        try:
            reader.read(frame, language)
        except VoxedgeError as error:
            print(f"{path.name[:28]:<28} {type(error).__name__}")
            continue
        ocr_ms = _all_cpu_ms() - before
        shares.append(still_ms / ocr_ms)
        moving_shares.append(moving_ms / ocr_ms)
        print(
            f"{path.name[:28]:<28} {still_ms:8.1f} {moving_ms:9.1f} {ocr_ms:8.0f} "
            f"{100 * still_ms / ocr_ms:8.2f}"
        )
    print(
        f"median share of the OCR: still {100 * statistics.median(shares):.2f} %, "
        f"moving {100 * statistics.median(moving_shares):.2f} %"
    )


def _cpu_ms(work: object, times: int) -> float:
    assert callable(work)
    taken = []
    for _ in range(times):
        before = time.process_time()
        work()
        taken.append(1000 * (time.process_time() - before))
    return statistics.median(taken)


def _all_cpu_ms() -> float:
    return 1000 * sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--seed", type=int, default=1000)
    parser.add_argument("--count", type=int, default=6, help="scenes of each kind")
    parser.add_argument("--cost", action="store_true")
    options = parser.parse_args()
    shared = Path(__file__).resolve().parents[2].parent / "shared"
    paths = options.pictures or sorted(shared.rglob("*.jpg"))
    if options.cost:
        print_cost(paths)
        return 0
    print_simulated(options.seed, options.count)
    if paths:
        print_photographs(paths)
    return 0


if __name__ == "__main__":
    sys.exit(main())
