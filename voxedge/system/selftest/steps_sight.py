"""The camera: does it see, is it sharp, does a page fit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import aclosing

from voxedge.errors import CameraMissing, VoxedgeError
from voxedge.system.selftest.outcome import Outcome, well, wrong
from voxedge.system.selftest.ports import Parts
from voxedge.vision.framing import Judgement, Scene, Verdict, judge

LOOK_S = 15.0
"""For a page to be laid down and the lens to find its focus."""

SMALL_PX = 1600
"""Long side of a picture below which the print of a leaflet has too few pixels: measured on
photographs of medicines, see docs/developers/reading.md."""

_TELL: Mapping[Verdict, str] = {
    Verdict.TOO_DARK: "It is too dark for the camera. Add light.",
    Verdict.MOVING: "The picture does not come to rest. Is the stand loose?",
    Verdict.TOO_BRIGHT: "The picture is burnt out. Turn the light down, or away from the camera.",
    Verdict.NOTHING: "The camera sees, but no print. Put a printed page under it.",
    Verdict.BLURRED: "The picture is not sharp. Turn the lens, or change the height.",
    Verdict.GLARE: "A light is reflected by the page. Move the light to the side.",
    Verdict.TOO_CLOSE: "The page does not fit the picture. Raise the camera.",
    Verdict.CUT_LEFT: "The page is cut off on the left.",
    Verdict.CUT_RIGHT: "The page is cut off on the right.",
    Verdict.CUT_TOP: "The page is cut off at the top.",
    Verdict.CUT_BOTTOM: "The page is cut off at the bottom.",
    Verdict.TOO_FAR: "The letters are too small. Lower the camera.",
}


async def camera(parts: Parts) -> Outcome:
    """Look for a page for a while; the last look counts, a good one ends it."""
    await parts.speaker.say("Put a printed page under the camera.")
    scene, full_px = Scene(), 0
    last: Judgement | None = None
    trouble: VoxedgeError | None = None
    try:
        async with asyncio.timeout(LOOK_S), aclosing(parts.views()) as views:
            async for view in views:
                trouble = view.trouble
                if isinstance(trouble, CameraMissing):
                    break
                if view.grey is None:
                    continue
                full_px = view.full_long_px
                judgement, scene = await asyncio.to_thread(judge, view.grey, full_px, scene)
                last = judgement
                if judgement.verdict is Verdict.OK:
                    break
    except TimeoutError:
        pass  # Time is up: what was seen last is told.
    if trouble is not None:
        return wrong(trouble.speech, str(trouble))
    if last is None:
        return wrong("The camera gave no picture. Check its cable.", f"none in {LOOK_S:g} s")
    return _judge(last, full_px)


def _judge(last: Judgement, full_px: int) -> Outcome:
    detail = (
        f"{last.verdict.value}, sharpness {last.crispness:.2f}, "
        f"print {last.letter_px:.0f} px high, picture {full_px} px"
    )
    if last.verdict is not Verdict.OK:
        return wrong(_TELL[last.verdict], detail)
    if full_px < SMALL_PX:
        return wrong(
            "The camera sees the page, but its pictures are small. Small print may be misread.",
            detail,
        )
    return well("The camera sees the page, whole and sharp.", detail)
