"""Printed lines, columns and strips on pages set and photographed by ourselves."""

import numpy as np
import pytest

from voxedge.testing.photo import CameraModel, photograph
from voxedge.testing.typeset import PageStyle, TextDoesNotFitError, plain_text, render
from voxedge.vision.illumination import flatten, ink_mask, to_grey
from voxedge.vision.layout import columns
from voxedge.vision.rectify import cut_strip, fit_bend
from voxedge.vision.regions import ascenders, plan
from voxedge.vision.strokes import binarise, measure_print
from voxedge.vision.textlines import TextLine, find_lines

TEXT = "The quick brown fox jumps over the lazy dog and runs through the old park. " * 6
STYLE = PageStyle(width_px=900, height_px=1200, size_px=28, margin_px=70, gutter_px=50)


def page(text: str = TEXT, **changes: object) -> np.ndarray:
    from dataclasses import replace

    return render(text, replace(STYLE, **changes))


def turned(picture: np.ndarray, degrees: float) -> np.ndarray:
    """Turn clockwise on white."""
    from PIL import Image

    image = Image.fromarray(picture).rotate(-degrees, expand=True, fillcolor=255, resample=2)
    return np.asarray(image)


def test_lines_of_a_set_page() -> None:
    found = find_lines(page())
    assert found.angle_deg == pytest.approx(0.0, abs=0.5)
    # Arial-metric print: an x-height of 0.52 em; tall letters lift the median a little.
    assert 13 <= found.letter_px <= 22
    assert 7 <= len(found.lines) <= 12
    assert sum(len(line) for line in found.lines) > 250
    assert not any(line.light_on_dark for line in found.lines)


@pytest.mark.parametrize("degrees", [-30, -8, -2, 3, 12, 40, 75])
def test_the_angle_of_turned_print(degrees: float) -> None:
    assert find_lines(turned(page(), degrees)).angle_deg == pytest.approx(degrees, abs=1.5)


def test_light_print_on_dark_ground() -> None:
    found = find_lines(255 - page())
    assert sum(line.light_on_dark for line in found.lines) >= 7


@pytest.mark.parametrize(
    "picture",
    [
        np.full((300, 400), 255, np.uint8),
        np.zeros((300, 400), np.uint8),
        np.tile(np.linspace(0, 255, 400).astype(np.uint8), (300, 1)),
        np.full((16, 16), 255, np.uint8),
    ],
    ids=["white", "black", "ramp", "tiny"],
)
def test_no_lines_where_nothing_is_printed(picture: np.ndarray) -> None:
    found = find_lines(picture)
    assert found.lines == ()
    assert found.letter_px == 0.0


def test_shadow_does_not_hide_lines() -> None:
    lit = page().astype(np.float32)
    shade = np.where(np.arange(900) > 450, 0.35, 1.0)
    dark = (lit * shade).astype(np.uint8)
    lit_letters, dark_letters = (
        sum(len(line) for line in find_lines(picture).lines) for picture in (page(), dark)
    )
    assert dark_letters > 0.85 * lit_letters


def letters(left: float, top: float, count: int, pitch: float = 10.0) -> TextLine:
    x = left + pitch * np.arange(count)
    return TextLine(np.stack([x, np.full(count, top), x + 8, np.full(count, top + 10.0)], axis=1))


def rows(left: float, first: int, last: int, count: int = 20, lean: float = 0.0) -> list[TextLine]:
    return [letters(left + lean * 20 * row, 20.0 * row, count) for row in range(first, last)]


def tops(column: list[TextLine]) -> tuple[float, float, float]:
    return min(line.left for line in column), column[0].top, column[-1].top


def test_two_columns_are_read_one_after_the_other() -> None:
    left, right = rows(0, 0, 10), rows(230, 0, 12)
    mixed = [line for pair in zip(left, right, strict=False) for line in pair] + right[10:]
    parts = columns(mixed)
    assert [tops(part) for part in parts] == [(0, 0, 180), (230, 0, 220)]


def test_gutters_may_lean() -> None:
    parts = columns(rows(0, 0, 14, lean=0.1) + rows(225, 0, 14, lean=0.1))
    assert [len(part) for part in parts] == [14, 14]


def test_a_title_and_a_footer_over_the_columns() -> None:
    title, footer = letters(0, -40, 42), letters(0, 300, 42)
    parts = columns([*rows(230, 0, 12), footer, *rows(0, 0, 12), title])
    assert [(len(part), part[0].top) for part in parts] == [
        (1, -40),
        (12, 0),
        (12, 0),
        (1, 300),
    ]


def test_numerals_beside_a_text_are_no_column() -> None:
    numerals = [letters(-60, 40.0 * row, 2) for row in range(6)]
    assert len(columns(numerals + rows(0, 0, 12))) == 1


def test_few_or_no_lines() -> None:
    assert columns([]) == []
    assert [len(part) for part in columns(rows(0, 0, 3) + rows(230, 0, 2))] == [5]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_columns_of_a_photograph(count: int) -> None:
    style = PageStyle(columns=count, size_px=26, height_px=900, width_px=1300, margin_px=60)
    sheet = render(TEXT * (1 + count), style)
    photo = photograph(sheet, CameraModel(width_px=1400, height_px=1100), seed=count)
    regions = plan(find_lines(to_grey(photo)))
    used = {region.column for region in regions}
    assert len(used) == count
    assert regions[0].column == 0
    lefts = [region.left for region in regions]
    assert lefts == sorted(lefts)


def test_a_strip_is_level_and_finds_its_way_back() -> None:
    camera = CameraModel(width_px=1000, height_px=1300, tilt_deg=5.0, curl=0.02, perspective=0.02)
    grey = to_grey(photograph(page(), camera, seed=3))
    found = find_lines(grey)
    (region, *_) = plan(found)
    strip = cut_strip(grey, region, found.angle_deg, target_letter_px=24.0)
    again = find_lines(strip.grey)
    assert abs(again.angle_deg) < 0.7
    assert again.letter_px == pytest.approx(24.0, rel=0.25)
    # Every line's letters stand on one level: what a bend would spread.
    spread = [np.std(line.letters[:, 1] + line.letters[:, 3]) / 2 for line in again.lines]
    assert np.median(spread) < 0.25 * again.letter_px
    box = strip.page_box(0, 0, strip.grey.shape[1], strip.grey.shape[0])
    assert 0 <= box.left < box.right <= 1001
    assert 0 <= box.top < box.bottom <= 1301
    inner = strip.page_box(100, 50, 160, 80)
    assert box.left <= inner.left < inner.right <= box.right


def test_a_bend_of_straight_lines_is_none() -> None:
    bend = fit_bend(rows(0, 0, 10))
    assert np.abs(bend.coefficients).max() < 1e-6


def test_a_skew_is_taken_away() -> None:
    lines = [
        TextLine(line.letters + 0.05 * line.letters[:, [0]] * np.array([0, 1, 0, 1]))
        for line in rows(0, 0, 10)
    ]
    bend = fit_bend(lines)
    across = bend.offset(np.array([0.0, 198.0]), np.array([100.0, 100.0]))
    assert across[1] - across[0] == pytest.approx(0.05 * 198, rel=0.05)


def test_ascenders_tell_upside_down() -> None:
    upright = plan(find_lines(page()))
    turned_over = plan(find_lines(np.ascontiguousarray(np.rot90(page(), 2))))
    assert ascenders(upright) > 0
    assert ascenders(turned_over) < 0
    assert ascenders([]) == 0


def test_flatten_makes_paper_white_and_keeps_print() -> None:
    lamp = np.linspace(1.0, 0.3, 900)[None, :]
    flat = flatten((page() * lamp).astype(np.uint8), 15.0)
    assert np.percentile(flat, 50, axis=0).min() > 235
    assert (flat < 128).mean() == pytest.approx((page() < 128).mean(), rel=0.15)


def test_ink_is_found_in_the_dark_but_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    dark = page() * 0.25 + rng.normal(0, 1.0, (1200, 900))
    mask = ink_mask(np.clip(dark, 0, 255).astype(np.uint8), 41)
    assert mask[page() < 60].mean() > 0.85
    assert mask[:60].mean() < 0.001


def test_bold_print_has_wider_strokes() -> None:
    looks = []
    for text in ("heavy rain in the morning", "## heavy rain in the morning"):
        ink = binarise(page(text))
        rows_used = np.flatnonzero(ink.any(axis=1))
        line = ink[rows_used[0] : rows_used[-1] + 1]
        looks.append(measure_print(line, 16.0))
    assert looks[1].stroke > 1.25 * looks[0].stroke
    assert measure_print(np.zeros((20, 90), np.uint8), 16.0).letter_px == 0.0


def test_set_text_has_its_truth() -> None:
    assert plain_text("# A\n\n- b\n~ c\nd") == "A\n- b\nc\nd\n"
    with pytest.raises(TextDoesNotFitError):
        page(TEXT * 40)


def test_photographs_repeat_for_a_seed() -> None:
    camera = CameraModel(width_px=300, height_px=400, shadow=0.4, glare=0.3, motion_px=3)
    sheet = page()
    first, again, other = (photograph(sheet, camera, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (400, 300, 3)
