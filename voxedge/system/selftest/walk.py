"""From step to step: a part that fails, hangs or breaks never stops the walk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from voxedge.errors import VoxedgeError
from voxedge.system.selftest import steps_box, steps_fingers, steps_sight, steps_sound
from voxedge.system.selftest.outcome import Outcome, Result, farewell, wrong
from voxedge.system.selftest.ports import Parts


@dataclass(frozen=True, slots=True)
class Step:
    """One part to try.

    Attributes:
        run: tries it.
        limit_s: past it the part hangs.
    """

    run: Callable[[Parts], Awaitable[Outcome]]
    limit_s: float


STEPS: Mapping[str, Step] = {
    "voice": Step(steps_sound.voice, 60.0),
    "volume": Step(steps_sound.volume, 60.0),
    "buttons": Step(steps_fingers.buttons, 180.0),
    "knob": Step(steps_fingers.knob, 60.0),
    "camera": Step(steps_sight.camera, 60.0),
    "microphone": Step(steps_sound.microphone, 60.0),
    "power": Step(steps_box.power, 20.0),
    "storage": Step(steps_box.storage, 60.0),
    "models": Step(steps_box.models, 120.0),
    "clock": Step(steps_box.clock, 10.0),
}
"""In the order of the walk: what the others need to be told by comes first."""

SAY_LIMIT_S = 30.0


async def walk(
    parts: Parts,
    names: tuple[str, ...] = tuple(STEPS),
    on_result: Callable[[Result], None] = lambda _: None,
) -> tuple[Result, ...]:
    """Try the parts one after the other, telling each aloud.

    Args:
        parts: what is tried.
        names: of the steps.
        on_result: told of each as it comes.
    """
    results = []
    for name in names:
        begun_s = time.monotonic()
        outcome = await _try(STEPS[name], name, parts)
        result = Result(name, outcome, time.monotonic() - begun_s)
        results.append(result)
        on_result(result)
        await _say(parts, outcome.spoken)
    await _say(parts, farewell(tuple(results)))
    return tuple(results)


async def _try(step: Step, name: str, parts: Parts) -> Outcome:
    try:
        async with asyncio.timeout(step.limit_s):
            return await step.run(parts)
    except TimeoutError:
        return wrong(f"The {name} does not answer.", f"no end after {step.limit_s:g} s")
    except VoxedgeError as error:
        return wrong(error.speech, str(error))
    except Exception as error:  # noqa: BLE001 - a driver may raise anything; the walk goes on
        return wrong(f"Something is wrong with the {name}.", f"{type(error).__name__}: {error}")


async def _say(parts: Parts, text: str) -> None:
    try:
        async with asyncio.timeout(SAY_LIMIT_S):
            await parts.speaker.say(text)
    except TimeoutError:
        pass  # The table tells it.
