"""``image-build/boot-test``: the command line."""

from __future__ import annotations

import argparse
import hashlib
import shutil
import signal
import sys
import tempfile
import time
import types
from collections.abc import Sequence
from pathlib import Path

from imagebuild import pulls, pullstate, scenario, steps, trials
from imagebuild.errors import BootTestFailed, ImageError
from imagebuild.machine import make_card
from imagebuild.plan import REPO, default_cache
from imagebuild.process import need_tools, run, say
from imagebuild.root import need_space
from imagebuild.scenario import Report
from imagebuild.soundmatch import samples
from imagebuild.testdisk import make_test_disk
from imagebuild.twin import record_twin
from imagebuild.workshop import make_workshop

TOOLS = ("qemu-system-aarch64", "qemu-img", "mcopy", "mke2fs", "zstd")
_WORK_NEEDS_BYTES = 6 << 30


def main(arguments: Sequence[str]) -> int:
    """Try an image; return 0 where it did everything that it should."""
    options = _parser().parse_args(arguments)
    report = Report(say)
    try:
        need_tools([*TOOLS, *(trials.TOOLS if options.update or options.only_update else ())])
        image = options.image or newest_image(REPO / "build/image")
        options.work.mkdir(parents=True, exist_ok=True)
        need_space(options.work, _WORK_NEEDS_BYTES)
        work = Path(tempfile.mkdtemp(prefix="voxedge-boot-", dir=options.work))
        signal.signal(signal.SIGTERM, _stop)
        try:
            try_image(image, work, options, report)
        finally:
            if options.keep:
                say(f"Kept: {work}")
            else:
                shutil.rmtree(work)
        return 0
    except ImageError as error:
        report.note(f"FAILED: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("boot-test: interrupted")
        return 130
    finally:
        if options.log is not None:
            options.log.write_text("\n".join(report.lines) + "\n", encoding="utf-8")


def try_image(image: Path, work: Path, options: argparse.Namespace, report: Report) -> None:
    """Boot the image and go through everything that was asked for.

    Raises:
        BootTestFailed: it did not do something that it should.
    """
    begun_s = time.monotonic()
    report.note(f"image: {image.name}, {image.stat().st_size / 1e6:.0f} MB")
    if not (options.only_pulls or options.only_update):
        _one_life(unpacked(image, work), work, options, report)
    if options.update or options.only_update:
        _updates(image, _folder(work, options, "updates"), options, report)
    if options.pulls and not options.only_update:
        _pulls(image, _folder(work, options, "pulls"), options, report)
    report.note(f"passed in {(time.monotonic() - begun_s) / 60:.0f} min")


def _folder(work: Path, options: argparse.Namespace, name: str) -> Path:
    """Return a folder that outlives an interruption, if one was named."""
    folder: Path = (options.state or work) / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _updates(image: Path, folder: Path, options: argparse.Namespace, report: Report) -> None:
    """On a card of its own: what is refused must leave the other slot of a new card empty."""
    now = steps.load(folder, _digest(image))
    if now.done:
        say(f"{now.done} steps were passed before: going on")
    shop = make_workshop(image, folder)
    more = {f"{why}.raucb": path for why, path in shop.refused.items()}
    disk = make_test_disk(options.python, folder, {**more, "updates.pem": shop.certificate})
    card = make_card(unpacked(image, folder), folder)
    trials.Trials(
        card, disk, shop, folder, options.python, options.models, report, now, options.timeout
    ).run()


def _pulls(image: Path, folder: Path, options: argparse.Namespace, report: Report) -> None:
    state = pullstate.load(folder, _digest(image), options.seed)
    if state.pulled:
        say(f"{state.pulled} plug pulls were made before: going on")
    card = make_card(unpacked(image, folder), folder)
    disk = make_test_disk(options.python, folder)
    pulls.pull_plugs(card, disk, folder, state, options.pulls, report, options.timeout)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _stop(number: int, frame: types.FrameType | None) -> None:
    """SIGTERM ends the test as Ctrl-C does: the emulator is ended with it."""
    raise KeyboardInterrupt


def _one_life(raw: Path, work: Path, options: argparse.Namespace, report: Report) -> None:
    card = make_card(raw, work)
    disk = make_test_disk(options.python, work)
    twin = samples(b"")
    if not options.quick:
        pictures = work / "testdisk/pictures"
        twin = record_twin(options.python, options.models, pictures, work, options.timeout)
    machine, guest = scenario.boot(card, disk, work, "life", options.timeout)
    try:
        scenario.wait_ready(machine, guest, report, options.timeout)
        scenario.check_system(guest, report)
        scenario.check_sandbox(guest, report)
        scenario.check_memory(guest, report, "when ready")
        if not options.quick:
            scenario.read_page(machine, guest, twin, report, options.timeout)
            scenario.check_memory(guest, report, "after reading a page")
            scenario.hang_reader(guest, report, options.timeout)
        scenario.power_off(machine, guest, report, options.timeout)
    finally:
        machine.pull_plug()


def newest_image(folder: Path) -> Path:
    """Return the image that was built last.

    Raises:
        BootTestFailed: there is none.
    """
    found = sorted(folder.glob("*.img.zst"), key=lambda path: path.stat().st_mtime)
    if not found:
        raise BootTestFailed(f"There is no image in {folder}: run image-build/build first.")
    return found[-1]


def unpacked(image: Path, work: Path) -> Path:
    """Return the image uncompressed; ``.img`` files are used as they are, and not written."""
    if image.suffix != ".zst":
        return image
    raw = work / image.stem
    if raw.exists():
        return raw
    half = raw.with_suffix(".half")
    run(["zstd", "-dq", "-f", "--sparse", image, "-o", half])
    return half.rename(raw)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="image-build/boot-test", description="Boot the image on an emulated Cortex-A72."
    )
    parser.add_argument("image", nargs="?", type=Path, help="default: the newest of build/image")
    parser.add_argument(
        "--quick", action="store_true", help="boot, look, power off: no page is read"
    )
    parser.add_argument(
        "--pulls", type=int, default=0, metavar="N", help="then pull the plug N times"
    )
    parser.add_argument(
        "--update",
        action="store_true",
        help="then install updates from a stick: refused ones, a good one, a broken one",
    )
    parser.add_argument("--only-update", action="store_true", help="nothing but the updates")
    parser.add_argument(
        "--state",
        type=Path,
        metavar="DIR",
        help="keep the cards of updates and plug pulls there: what was interrupted goes on",
    )
    parser.add_argument("--only-pulls", action="store_true", help="nothing but the plug pulls")
    parser.add_argument("--seed", type=int, default=1, help="of the moments of pulling (1)")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds for any step (1800)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write what was seen there")
    parser.add_argument("--work", type=Path, default=Path("/var/tmp"), metavar="DIR")
    parser.add_argument("--keep", action="store_true", help="keep consoles and recordings")
    parser.add_argument("--python", type=Path, default=REPO / ".venv/bin/python", metavar="PATH")
    parser.add_argument(
        "--models",
        type=Path,
        default=default_cache() / "models",
        help="what the image was built with",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
