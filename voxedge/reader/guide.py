"""Leads the hand that brings a page under the camera: verdicts in, hints and the shot out.

Pure: a state, a happening and the time give what to do and the next state. Rules:

- at most one spoken hint every 2 s, none over another sentence, never the same one twice in a row;
- what passes within half a second is not worth a word; movement is left alone for 3 s, because a
  hand that is at work needs no telling;
- between words a tone ticks, faster the nearer the page is to being right;
- still, sharp and whole for 0.6 s: the picture is taken, without being asked for;
- help that does not help ends: after 20 s the picture is taken as it is, and that is said; where
  there is nothing to take, or no camera, the guide gives up in the end.

What is said stands by its key in the table of messages (``voxedge/reader/spoken``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from voxedge.vision.framing import Verdict


class Tone(Enum):
    """What is heard between words, by name in ``earcon_designs``."""

    FAR = "guide_far"
    NEAR = "guide_near"
    STEADY = "guide_steady"


@dataclass(frozen=True, slots=True)
class Hint:
    """One thing to say.

    Attributes:
        key: of the sentence in the table of messages; of a camera's fault, the error's name.
        text: what the fault says; "" where the table has the sentence.
        urgent: the camera itself is at fault: said above everything else.
    """

    key: str
    text: str = ""
    urgent: bool = False


AS_IT_IS = "guide_as_it_is"
BLURRED = f"guide_{Verdict.BLURRED.value}"
CAMERA_BACK = "guide_camera_back"


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly the guide speaks and shoots; seconds.

    Attributes:
        between_hints: at least this long from one hint to the next.
        before_hint: a cause must last so long.
        before_moving: the same for movement.
        before_blurred: the same for blur: a lens that focuses by itself takes a second.
        steady: all is well for so long, then the picture is taken.
        steady_pictures: and in at least as many pictures.
        between_tones: at least this long from one tone to the next.
        gives_in: the picture is taken as it is.
        gives_up: there is nothing to take a picture of, or no light for it.
        gives_up_camera: the camera stays away.
    """

    between_hints: float = 2.0
    before_hint: float = 0.5
    before_moving: float = 3.0
    before_blurred: float = 1.2
    steady: float = 0.6
    steady_pictures: int = 3
    between_tones: float = 1.0
    gives_in: float = 20.0
    gives_up: float = 120.0
    gives_up_camera: float = 30.0


@dataclass(frozen=True, slots=True)
class Guide:
    """Where the guidance of one picture stands.

    Attributes:
        began_s: when it began.
        cause: what the last pictures said.
        since_s: since when.
        pictures: how many in a row said so.
        said: key of the last hint.
        said_s: when.
        tone_s: when the last tone was heard.
        trouble: what the camera said last about itself, "" when it is well.
        trouble_s: since when it has not been well.
        shot: the picture has been asked for; nothing more is said.
    """

    began_s: float
    cause: Verdict | None = None
    since_s: float = 0.0
    pictures: int = 0
    said: str = ""
    said_s: float = float("-inf")
    tone_s: float = float("-inf")
    trouble: str = ""
    trouble_s: float = 0.0
    shot: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What to do now.

    Attributes:
        hint: to say, None for nothing.
        tone: to sound.
        shoot: take the picture now.
        give_up: there will be no picture.
    """

    hint: Hint | None = None
    tone: Tone | None = None
    shoot: bool = False
    give_up: bool = False


_NOTHING = Move()
_NOT_TAKEN_AS_IT_IS = frozenset({Verdict.NOTHING, Verdict.TOO_DARK})
_ABSENT = frozenset({"CameraLost", "CameraMissing"})
"""One pulled plug: first it is lost, then it cannot be found."""
_NEARLY = frozenset({Verdict.MOVING, Verdict.BLURRED, Verdict.GLARE})


def see(
    guide: Guide,
    verdict: Verdict,
    now_s: float,
    pace: Pace | None = None,
    *,
    is_heard: bool = True,
) -> tuple[Guide, Move]:
    """Take note of one live picture.

    Args:
        guide: the state.
        verdict: on the picture.
        now_s: monotonic.
        pace: how quickly to speak and shoot.
        is_heard: nothing else is being said that a hint would have to wait for.
    """
    pace = pace or Pace()
    if guide.shot:
        return guide, _NOTHING
    if guide.trouble:
        back = Hint(CAMERA_BACK, urgent=True)
        guide = replace(
            guide, trouble="", cause=None, said=back.key, said_s=now_s, began_s=now_s, pictures=0
        )
        return guide, Move(back)
    if verdict is guide.cause:
        guide = replace(guide, pictures=guide.pictures + 1)
    else:
        guide = replace(guide, cause=verdict, since_s=now_s, pictures=1)
    lasted_s = now_s - guide.since_s
    if verdict is Verdict.OK:
        if lasted_s >= pace.steady and guide.pictures >= pace.steady_pictures:
            return replace(guide, shot=True), Move(shoot=True)
        return _toned(guide, Tone.STEADY, now_s, pace, is_heard=is_heard)
    helped_s = now_s - guide.began_s
    if helped_s >= pace.gives_in and verdict not in _NOT_TAKEN_AS_IT_IS:
        guide = replace(guide, shot=True, said=AS_IT_IS, said_s=now_s)
        return guide, Move(Hint(AS_IT_IS), shoot=True)
    if helped_s >= pace.gives_up:
        return replace(guide, shot=True), Move(give_up=True)
    key = f"guide_{verdict.value}"
    due = (
        lasted_s >= _patience_s(verdict, pace)
        and key != guide.said
        and now_s - guide.said_s >= pace.between_hints
    )
    if due and is_heard:
        guide = replace(guide, said=key, said_s=now_s, tone_s=now_s)
        return guide, Move(Hint(key))
    tone = Tone.NEAR if verdict in _NEARLY else Tone.FAR
    return _toned(guide, tone, now_s, pace, is_heard=is_heard)


def fail(
    guide: Guide, trouble: str, sentence: str, now_s: float, pace: Pace | None = None
) -> tuple[Guide, Move]:
    """Take note of a camera that does not see: told at once, and once for each trouble.

    A picture that was asked for is not: what the camera could not take is waited for again.

    Args:
        guide: the state.
        trouble: name of the error.
        sentence: what it says.
        now_s: monotonic.
        pace: when to give up.
    """
    pace = pace or Pace()
    since_s = guide.trouble_s if guide.trouble else now_s
    guide = replace(guide, trouble_s=since_s, cause=None, shot=False)
    if now_s - since_s >= pace.gives_up_camera:
        return replace(guide, trouble=trouble, shot=True), Move(give_up=True)
    if trouble == guide.trouble or {trouble, guide.trouble} <= _ABSENT:
        return guide, _NOTHING
    guide = replace(guide, trouble=trouble, said=trouble, said_s=now_s)
    return guide, Move(Hint(trouble, sentence, urgent=True))


def shoot(guide: Guide) -> tuple[Guide, Move]:
    """Take the picture now: the person pressed. Always possible, whatever the verdict."""
    if guide.shot:
        return guide, _NOTHING
    return replace(guide, shot=True), Move(shoot=True)


def _patience_s(verdict: Verdict, pace: Pace) -> float:
    return {
        Verdict.MOVING: pace.before_moving,
        Verdict.BLURRED: pace.before_blurred,
    }.get(verdict, pace.before_hint)


def _toned(
    guide: Guide, tone: Tone, now_s: float, pace: Pace, *, is_heard: bool
) -> tuple[Guide, Move]:
    gap_s = pace.between_tones if tone is Tone.FAR else pace.between_tones / 2
    # Not over a hint that is being said.
    saying = not is_heard or now_s - guide.said_s < pace.between_hints
    if saying or now_s - guide.tone_s < gap_s:
        return guide, _NOTHING
    return replace(guide, tone_s=now_s), Move(tone=tone)
