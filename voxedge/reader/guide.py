"""Leads the hand that brings a page under the camera: verdicts in, hints and the shot out.

Pure: a state, a happening and the time give what to do and the next state. Rules:

- at most one spoken hint every 2 s, and never the same one twice in a row;
- what passes within half a second is not worth a word; movement is left alone for 3 s, because a
  hand that is at work needs no telling;
- between words a tone ticks, faster the nearer the page is to being right;
- still, sharp and whole for 0.6 s: the picture is taken, without being asked for;
- help that does not help ends: after 20 s the picture is taken as it is, and that is said.
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
        key: of the sentence in ``HINTS``.
        text: in English.
        urgent: the camera itself is at fault: said above everything else.
    """

    key: str
    text: str
    urgent: bool = False


HINTS: dict[str, str] = {
    "guide_too_dark": "It is too dark. Please turn on a light.",
    "guide_moving": "Hold the page still.",
    "guide_too_bright": "It is too bright. Please turn the lamp away.",
    "guide_nothing": "I see no print. Put the page under the camera, printed side up.",
    "guide_blurred": "I cannot see it sharply. Lay the page flat, and wait a moment.",
    "guide_glare": "A light shines back from the page. Turn the page a little, or move the lamp.",
    "guide_too_close": "The page is too close to see all of it. Move it away from the camera.",
    "guide_cut_left": "The page is cut off on the left. Move it to the right.",
    "guide_cut_right": "The page is cut off on the right. Move it to the left.",
    "guide_cut_top": "The page is cut off at the top. Move it towards you.",
    "guide_cut_bottom": "The page is cut off at the bottom. Move it away from you.",
    "guide_too_far": "The print is too small for me. Bring the page closer to the camera.",
    "guide_as_it_is": "I take the picture as it is.",
    "guide_camera_back": "My camera works again.",
}
"""Key to sentence; left, right, top and bottom are those of the person at the table."""


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
    """

    between_hints: float = 2.0
    before_hint: float = 0.5
    before_moving: float = 3.0
    before_blurred: float = 1.2
    steady: float = 0.6
    steady_pictures: int = 3
    between_tones: float = 1.0
    gives_in: float = 20.0


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
    shot: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """What to do now.

    Attributes:
        hint: to say, None for nothing.
        tone: to sound.
        shoot: take the picture now.
    """

    hint: Hint | None = None
    tone: Tone | None = None
    shoot: bool = False


_NOTHING = Move()
_NOT_TAKEN_AS_IT_IS = frozenset({Verdict.NOTHING, Verdict.TOO_DARK})
_NEARLY = frozenset({Verdict.MOVING, Verdict.BLURRED, Verdict.GLARE})


def see(
    guide: Guide, verdict: Verdict, now_s: float, pace: Pace | None = None
) -> tuple[Guide, Move]:
    """Take note of one live picture."""
    pace = pace or Pace()
    if guide.shot:
        return guide, _NOTHING
    if guide.trouble:
        back = Hint("guide_camera_back", HINTS["guide_camera_back"], urgent=True)
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
        return _toned(guide, Tone.STEADY, now_s, pace)
    if now_s - guide.began_s >= pace.gives_in and verdict not in _NOT_TAKEN_AS_IT_IS:
        last = Hint("guide_as_it_is", HINTS["guide_as_it_is"])
        return replace(guide, shot=True, said=last.key, said_s=now_s), Move(last, shoot=True)
    key = f"guide_{verdict.value}"
    due = (
        lasted_s >= _patience_s(verdict, pace)
        and key != guide.said
        and now_s - guide.said_s >= pace.between_hints
    )
    if due:
        guide = replace(guide, said=key, said_s=now_s, tone_s=now_s)
        return guide, Move(Hint(key, HINTS[key]))
    return _toned(guide, Tone.NEAR if verdict in _NEARLY else Tone.FAR, now_s, pace)


def fail(guide: Guide, trouble: str, sentence: str, now_s: float) -> tuple[Guide, Move]:
    """Take note of a camera that does not see: told at once, and once for each trouble.

    Args:
        guide: the state.
        trouble: name of the error.
        sentence: what it says.
        now_s: monotonic.
    """
    if guide.shot or trouble == guide.trouble:
        return guide, _NOTHING
    guide = replace(guide, trouble=trouble, said=trouble, said_s=now_s, cause=None)
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


def _toned(guide: Guide, tone: Tone, now_s: float, pace: Pace) -> tuple[Guide, Move]:
    gap_s = pace.between_tones if tone is Tone.FAR else pace.between_tones / 2
    # Not over a hint that is being said.
    if now_s - guide.tone_s < gap_s or now_s - guide.said_s < pace.between_hints:
        return guide, _NOTHING
    return replace(guide, tone_s=now_s), Move(tone=tone)
