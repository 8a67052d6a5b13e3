"""The guide: what is said to the hand that brings a page, how often, and when it shoots."""

import asyncio
from collections.abc import AsyncGenerator, Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxedge.audio.earcon_designs import DESIGNS
from voxedge.errors import CameraLost, NoPageShown, VoxedgeError
from voxedge.flow import Frame
from voxedge.reader.guide import AS_IT_IS, CAMERA_BACK, Guide, Move, Pace, Tone, fail, see, shoot
from voxedge.reader.guided import TRIES, GuidedCamera, View
from voxedge.reader.messages import load_messages
from voxedge.testing.fake_camera import VirtualClock
from voxedge.testing.scenes import noisy, view
from voxedge.vision.framing import Verdict

PACE = Pace()


def guided(verdicts: list[Verdict], step_s: float = 0.125) -> list[tuple[float, Move]]:
    guide, moves = Guide(0.0), []
    for number, verdict in enumerate(verdicts):
        guide, move = see(guide, verdict, number * step_s)
        moves.append((number * step_s, move))
    return moves


def said(moves: list[tuple[float, Move]]) -> list[tuple[float, str]]:
    return [(at_s, move.hint.key) for at_s, move in moves if move.hint is not None]


def test_every_verdict_but_ok_has_a_sentence_and_every_tone_a_sound() -> None:
    keys = load_messages().slots().keys()
    assert {f"guide_{v.value}" for v in Verdict if v is not Verdict.OK} <= keys
    assert {AS_IT_IS, CAMERA_BACK} <= keys
    assert {tone.value for tone in Tone} <= DESIGNS.keys()


def test_a_page_that_lies_right_is_taken_within_a_second() -> None:
    shots = [at_s for at_s, move in guided([Verdict.OK] * 20) if move.shoot]
    assert len(shots) == 1
    assert shots[0] <= 1.0


def test_a_page_cut_off_is_told_once_and_ticks_after_that() -> None:
    moves = guided([Verdict.CUT_LEFT] * 80)
    assert said(moves) == [(0.5, "guide_cut_left")]
    tones = [at_s for at_s, move in moves if move.tone is not None and at_s > 0.5]
    assert tones[0] >= 2.5, "no tone over the hint"
    assert min(np.diff(tones)) >= PACE.between_tones


def test_a_hand_at_work_is_left_alone_and_a_trembling_one_told() -> None:
    assert said(guided([Verdict.MOVING] * 20)) == []
    assert said(guided([Verdict.MOVING] * 40)) == [(3.0, "guide_moving")]


def test_what_passes_is_not_worth_a_word() -> None:
    flicker = [Verdict.GLARE, Verdict.GLARE, Verdict.CUT_TOP, Verdict.CUT_TOP] * 10
    assert said(guided(flicker)) == []


def test_help_that_does_not_help_ends_with_a_picture() -> None:
    moves = guided([Verdict.CUT_RIGHT] * 170)
    assert [at_s for at_s, move in moves if move.shoot] == [20.0]
    assert said(moves)[-1] == (20.0, "guide_as_it_is")
    assert not any(move.shoot for _, move in guided([Verdict.NOTHING] * 200))


def test_the_person_may_always_press() -> None:
    guide, move = shoot(see(Guide(0.0), Verdict.TOO_DARK, 0.1)[0])
    assert move.shoot
    assert shoot(guide)[1] == Move()


def test_a_camera_fault_is_told_at_once_and_once_and_its_end_too() -> None:
    guide, move = fail(Guide(0.0), "CameraLost", "Lost.", 1.0)
    assert move.hint is not None
    assert move.hint.urgent
    assert fail(guide, "CameraLost", "Lost.", 1.5)[1] == Move()
    guide, move = see(guide, Verdict.OK, 5.0)
    assert move.hint is not None
    assert move.hint.key == "guide_camera_back"
    assert not guide.trouble


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([*Verdict, None]), st.floats(0.02, 1.5)), min_size=1, max_size=80
    )
)
def test_whatever_is_seen_hints_keep_their_distance(
    happenings: list[tuple[Verdict | None, float]],
) -> None:
    guide, now_s = Guide(0.0), 0.0
    hints: list[tuple[float, str]] = []
    shot = False
    for verdict, step_s in happenings:
        now_s += step_s
        if verdict is None:
            guide, move = fail(guide, "CameraLost", "Lost.", now_s)
            # A picture that the camera could not take is waited for again.
            shot = move.give_up
        else:
            guide, move = see(guide, verdict, now_s)
            assert not (shot and move != Move()), "nothing is said after the shot"
            shot = shot or move.shoot or move.give_up
        if move.hint is not None:
            if not move.hint.urgent and not move.shoot and hints:
                assert now_s - hints[-1][0] >= PACE.between_hints
                assert move.hint.key != hints[-1][1]
            hints.append((now_s, move.hint.key))
        assert guide.shot is shot


class FilmCamera:
    """A ``LiveCamera`` that shows what it is given, eight times a second of a virtual clock."""

    name = "film"

    def __init__(self, views: list[View], clock: VirtualClock) -> None:
        self._views = views
        self._clock = clock
        self.failures: list[VoxedgeError] = []
        self.shots = 0
        self.focused_s: list[float] = []

    async def live(self) -> AsyncGenerator[View, None]:
        for number in range(10_000):
            self._clock.sleep(0.125)
            yield self._views[min(number, len(self._views) - 1)]
            await asyncio.sleep(0)

    async def focus(self) -> None:
        self.focused_s.append(self._clock.now_s)

    async def shoot(self) -> Frame:
        self.shots += 1
        if self.failures:
            raise self.failures.pop(0)
        return Frame(np.zeros((8, 8), np.uint8), "film")


def film(*parts: tuple[np.ndarray | VoxedgeError, int]) -> list[View]:
    rng = np.random.default_rng(0)
    views = []
    for part, count in parts:
        for _ in range(count):
            if isinstance(part, VoxedgeError):
                views.append(View(None, trouble=part))
            else:
                views.append(View(noisy(part, rng), 2592))
    return views


def take(
    camera: FilmCamera,
    clock: VirtualClock,
    press: str = "",
    *,
    guided: bool = True,
    is_heard: Callable[[], bool] = lambda: True,
) -> list[str]:
    """Take a picture and return the hints; at the hint ``press`` the person presses."""
    heard: list[str] = []

    async def main() -> None:
        def on_move(move: Move) -> None:
            if move.hint is not None:
                heard.append(move.hint.key)
                if move.hint.key == press:
                    guided_camera.press()

        guided_camera = GuidedCamera(camera, on_move, is_heard, guided=guided, clock=clock)
        frame = await guided_camera.take()
        assert frame.source == "film"

    asyncio.run(main())
    return heard


LOST = CameraLost(camera="film", reason="gone")
CUT, WHOLE = view(0, shift=(-0.45, 0.0)), view(0)


def test_a_page_slides_into_view_and_is_taken() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((CUT, 12), (WHOLE, 20)), clock)
    assert take(camera, clock) == ["guide_cut_left"]
    assert camera.shots == 1
    assert clock.now_s < 4.0


def test_a_press_takes_a_dark_page() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film(((WHOLE * 0.1).astype(np.uint8), 40)), clock)
    assert take(camera, clock, press="guide_too_dark") == ["guide_too_dark"]
    assert clock.now_s < 2.0


def test_without_guidance_the_press_takes_the_picture() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((CUT, 12)), clock)
    assert take(camera, clock, guided=False) == []
    assert clock.now_s == 0.0, "nobody looked first"
    assert camera.shots == 1


def test_no_hint_talks_into_another_sentence_and_none_is_lost_by_it() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((CUT, 60), (WHOLE, 20)), clock)
    heard = take(camera, clock, is_heard=lambda: clock.now_s > 4.0)
    assert heard == ["guide_cut_left"], "said when there was silence again"


def test_nothing_under_the_camera_ends_in_two_minutes() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((np.full_like(WHOLE, 120), 2)), clock)
    with pytest.raises(NoPageShown):
        take(camera, clock)
    assert 119.0 < clock.now_s < 122.0
    assert camera.shots == 0


def test_a_page_out_of_focus_makes_the_lens_look_again() -> None:
    clock = VirtualClock()
    soft = cv2.GaussianBlur(WHOLE, (0, 0), 3.0).astype(np.uint8)
    camera = FilmCamera(film((soft, 30), (WHOLE, 20)), clock)
    assert take(camera, clock) == ["guide_blurred"]
    assert len(camera.focused_s) == 1
    assert 1.0 < camera.focused_s[0] < 2.5


def test_unplugged_while_framing_is_told_once_and_goes_on() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((CUT, 2), (LOST, 30), (WHOLE, 20)), clock)
    assert take(camera, clock) == ["CameraLost", "guide_camera_back"]
    assert camera.shots == 1


def test_a_press_while_the_camera_is_away_is_kept_until_it_is_back() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((CUT, 2), (LOST, 30), (CUT, 20)), clock)
    assert take(camera, clock, press="CameraLost") == ["CameraLost", "guide_camera_back"]
    assert clock.now_s < 5.0, "the page lies wrong, but it was asked for as it is"


@pytest.mark.parametrize("guided", [True, False])
@pytest.mark.parametrize("failures", [1, 2])
def test_unplugged_while_shooting_is_told_waited_for_and_tried_again(
    failures: int, guided: bool
) -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((WHOLE, 20)), clock)
    camera.failures = [LOST] * failures
    assert take(camera, clock, guided=guided) == ["CameraLost", "guide_camera_back"] * failures
    assert camera.shots == failures + 1


def test_a_camera_that_sees_but_takes_no_picture_is_an_error() -> None:
    clock = VirtualClock()
    camera = FilmCamera(film((WHOLE, 20)), clock)
    camera.failures = [LOST] * TRIES
    with pytest.raises(CameraLost):
        take(camera, clock)


@pytest.mark.parametrize("seen", [0, 4])
def test_a_camera_that_stays_away_is_an_error_in_half_a_minute(seen: int) -> None:
    clock = VirtualClock()
    camera = FilmCamera([*film((CUT, seen)), *film((LOST, 1))], clock)
    with pytest.raises(CameraLost):
        take(camera, clock)
    assert 29.0 < clock.now_s < 32.0
