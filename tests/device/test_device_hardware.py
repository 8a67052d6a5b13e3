"""The hardware guide says what the program does: pins, pictures, heights."""

import importlib.machinery
import importlib.util
import math
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from voxedge.config import Settings
from voxedge.inputs.bindings import MAPS
from voxedge.inputs.encoder import PIN_A, PIN_B
from voxedge.system.selftest.walk import STEPS
from voxedge.vision.framing import Limits

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/integrators/hardware.md").read_text()
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    loader = importlib.machinery.SourceFileLoader("make_wiring", str(ROOT / "scripts/make-wiring"))
    spec = importlib.util.spec_from_loader("make_wiring", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_wiring"] = module
    loader.exec_module(module)
    return module


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the first table behind a line."""
    lines = GUIDE[GUIDE.index(heading) :].splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("|"))
    table = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table[2:]


def test_the_header_is_that_of_the_board(script: ModuleType) -> None:
    assert len(script.HEADER) == 40
    gpios = sorted(int(name[5:]) for name in script.HEADER if name.startswith("GPIO"))
    assert gpios == list(range(28))
    grounds = [pin for pin in range(1, 41) if script.HEADER[pin - 1] == "ground"]
    assert grounds == [6, 9, 14, 20, 25, 30, 34, 39]
    # Marks that everybody who has wired one knows.
    assert (script.HEADER[0], script.HEADER[1], script.HEADER[39]) == ("3.3 V", "5 V", "GPIO 21")


def test_the_guide_gives_every_button_its_pin(script: ModuleType) -> None:
    told = {row[0].split(" (")[0]: (row[1], row[2]) for row in rows("## Buttons")}
    wanted = {button.name: button.pin for buttons in MAPS.values() for button in buttons}
    wanted |= {"knob, A": PIN_A, "knob, B": PIN_B}
    for name, gpio in wanted.items():
        assert told.pop(name) == (str(gpio), str(script.pin_of(gpio)))
    assert {row for row in told} == {"ground, left side", "ground, right side"}
    assert told["ground, left side"][1] == str(script.LEFT_GROUND)
    assert told["ground, right side"][1] == str(script.RIGHT_GROUND)


def test_no_two_things_share_a_pin(script: ModuleType) -> None:
    buttons = {script.pin_of(b.pin) for b in MAPS["five-and-knob"]}
    knob = {script.pin_of(PIN_A), script.pin_of(PIN_B)}
    amplifier = {pin for _, pin in script.AMPLIFIER}
    assert len(buttons) == len(MAPS["five-and-knob"])
    assert not buttons & knob
    assert not (buttons | knob) & amplifier
    # Pins of the serial console, which the image switches on.
    assert not (buttons | knob | amplifier) & {8, 10}


def test_the_amplifier_is_on_the_pins_of_i2s(script: ModuleType) -> None:
    told = {row[0]: row[1:] for row in rows("**I2S amplifier**")}
    for terminal, pin in script.AMPLIFIER:
        name = script.HEADER[pin - 1]
        assert told[terminal] == [str(pin), name]
    wires = {terminal: script.HEADER[pin - 1] for terminal, pin in script.AMPLIFIER}
    # PCM_CLK, PCM_FS, PCM_DOUT of the BCM2711, function ALT0.
    assert (wires["BCLK"], wires["LRC"], wires["DIN"]) == ("GPIO 18", "GPIO 19", "GPIO 21")


def test_the_pictures_are_those_that_the_script_draws() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts/make-wiring", "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, f"{done.stdout}run scripts/make-wiring"


@pytest.mark.parametrize(
    ("name", "map_"),
    [
        ("one-button", "one"),
        ("three-buttons", "three"),
        ("five-buttons", "five"),
        ("five-buttons-and-knob", "five-and-knob"),
    ],
)
def test_a_picture_shows_each_button_once_and_tells_it_in_words(name: str, map_: str) -> None:
    path = ROOT / f"docs/images/wiring-{name}.svg"
    tree = ET.parse(path).getroot()
    texts = [element.text for element in tree.iter(f"{SVG}text")]
    description = tree.findtext(f"{SVG}desc") or ""
    for button in MAPS[map_]:
        if map_ == "one" and button.name == "talk":
            continue
        assert texts.count(button.name) == 1
        assert texts.count(f"GPIO {button.pin}") == 1
        assert f"{button.name}: pin" in description
    assert tree.findtext(f"{SVG}title")
    assert f"images/wiring-{name}.svg" in GUIDE


def test_the_default_map_is_the_one_the_guide_calls_so() -> None:
    assert f'`map = "{Settings().buttons.map}"`, the default' in GUIDE


def test_the_heights_are_calculated(script: ModuleType) -> None:
    limit_px = Limits().letter_px
    table = rows("How high must it stand?")
    assert len(table) == 5
    for camera, angles, height, seen, density, print_pt in table:
        wide, narrow = (float(value) for value in re.findall(r"([\d.]+)°", angles))
        pixels = int(re.search(r"(\d+) px", camera)[1])  # type: ignore[index]
        height_mm = script.camera_height_mm(wide, narrow)
        seen_mm = 2 * height_mm * math.tan(math.radians(wide) / 2)
        assert height == f"{height_mm:.0f} mm"
        assert seen == f"{seen_mm:.0f} mm"
        assert density == f"{pixels / seen_mm:.1f}"
        # A small letter of Times is 0.448 of its size; a point is 0.3528 mm.
        assert print_pt == f"{limit_px / (pixels / seen_mm) / 0.448 / 0.3528:.1f} pt"
        # It sees the page with its margin, both ways.
        for side, angle in ((297.0, wide), (210.0, narrow)):
            assert 2 * height_mm * math.tan(math.radians(angle) / 2) >= side * 1.1 - 1e-6


def test_the_pixels_that_a_leaflet_needs_are_calculated() -> None:
    small_letter_mm = round(9 * 0.3528 * 0.448, 1)
    density = Limits().letter_px / small_letter_mm
    assert f"{density:.1f} pixels a millimetre" in GUIDE
    assert f"327 × {density:.1f} = {327 * density / 100:.0f}00 pixels".replace(
        "2600", "2,600"
    ) in GUIDE.replace("**", "")


def test_the_lamp_stands_where_no_page_mirrors_it(script: ModuleType) -> None:
    long = script.lamp_distance_mm(300.0, 297 * 1.1 / 2)
    short = script.lamp_distance_mm(300.0, 210 * 1.1 / 2)
    assert f"more than {long:.0f} mm to the left and right" in GUIDE.replace("\n", " ")
    assert f"{short:.0f} mm if it stands" in GUIDE
    # The mirror point of a lamp there is the page's edge: equal angles on both sides of it.
    edge = 297 * 1.1 / 2
    assert math.isclose(math.atan2(edge, 300), math.atan2(long - edge, 300))


def test_every_step_of_the_self_test_is_told() -> None:
    assert [row[0] for row in rows("## The self-test")] == list(STEPS)


def test_what_was_not_tried_is_said_first() -> None:
    assert "**Nothing on this page has run on a real Raspberry Pi yet.**" in GUIDE[:300]
