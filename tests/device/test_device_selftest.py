"""The assembler's walk, on boxes with one thing wrong at a time."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from voxedge.cli import selftest as command
from voxedge.cli.main import main
from voxedge.config import ButtonSettings, Settings
from voxedge.errors import (
    CameraBlack,
    CameraMissing,
    InputDeviceMissing,
    MicrophoneLost,
    MicrophoneMissing,
    NoSoundCard,
    VoiceCorrupt,
)
from voxedge.inputs.bindings import MAPS
from voxedge.reader.guided import View
from voxedge.system.selftest import parts as real
from voxedge.system.selftest import steps_box, steps_fingers, steps_sight
from voxedge.system.selftest.outcome import Outcome, Verdict, all_well, farewell, well
from voxedge.system.selftest.ports import Parts
from voxedge.system.selftest.walk import STEPS, Step, walk
from voxedge.testing.fake_box import (
    HEALTHY,
    FakeContacts,
    FakeFinger,
    FakeSpeaker,
    HearingMicrophone,
    broken,
    fake_parts,
)
from voxedge.testing.fake_microphone import FakeMicrophone, Flaw

Change = Callable[[Parts, FakeSpeaker], Parts]


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps_fingers, "PRESS_S", 0.2)
    monkeypatch.setattr(steps_fingers, "TURN_S", 0.2)
    monkeypatch.setattr(steps_fingers, "SETTLE_S", 0.01)


@pytest.fixture
def short_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """For pictures that never get good: the look ends by time only."""
    monkeypatch.setattr(steps_sight, "LOOK_S", 1.0)


def settings(map_: str = "three") -> Settings:
    return replace(Settings(), buttons=ButtonSettings(map=map_))


def outcome_of(
    step: str, tmp_path: Path, change: Change = lambda parts, _: parts, map_: str = "three"
) -> tuple[Outcome, FakeSpeaker]:
    """Run one step on a box that is well but for what ``change`` does to it."""

    async def run() -> tuple[Outcome, FakeSpeaker]:
        async with fake_parts(settings(map_), tmp_path / "state") as parts:
            speaker = parts.speaker
            assert isinstance(speaker, FakeSpeaker)
            (result,) = await walk(change(parts, speaker), (step,))
            return result.outcome, speaker

    return asyncio.run(run())


# -- the walk --------------------------------------------------------------------------------


def test_a_box_that_is_well_is_told_so(tmp_path: Path) -> None:
    async def run() -> tuple[object, ...]:
        async with fake_parts(settings("five-and-knob"), tmp_path) as parts:
            results = await walk(parts)
            assert isinstance(parts.speaker, FakeSpeaker)
            assert parts.speaker.said[-1] == "The self-test is done. Everything is well."
            # Each step is told, in the order of the walk.
            told = [parts.speaker.said.index(result.outcome.spoken) for result in results]
            assert told == sorted(told)
            return tuple((r.step, r.outcome.verdict) for r in results)

    assert asyncio.run(run()) == tuple((name, Verdict.WELL) for name in STEPS)


@pytest.mark.parametrize(
    "failure",
    [NoSoundCard(reason="x"), OSError("driver"), RuntimeError("driver"), KeyError("driver")],
)
def test_a_part_that_breaks_never_stops_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    async def breaks(_: Parts) -> Outcome:
        raise failure

    async def fine(_: Parts) -> Outcome:
        return well("Fine.")

    monkeypatch.setattr(
        "voxedge.system.selftest.walk.STEPS", {"a": Step(breaks, 1.0), "b": Step(fine, 1.0)}
    )

    async def run() -> list[Verdict]:
        async with fake_parts(Settings(), tmp_path) as parts:
            return [result.outcome.verdict for result in await walk(parts, ("a", "b"))]

    assert asyncio.run(run()) == [Verdict.WRONG, Verdict.WELL]


def test_a_part_that_hangs_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def hangs(_: Parts) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr("voxedge.system.selftest.walk.STEPS", {"camera": Step(hangs, 0.05)})

    async def run() -> Outcome:
        async with fake_parts(Settings(), tmp_path) as parts:
            return (await walk(parts, ("camera",)))[0].outcome

    assert asyncio.run(run()).spoken == "The camera does not answer."


def test_a_voice_that_hangs_does_not_hang_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxedge.system.selftest.walk.SAY_LIMIT_S", 0.05)

    class Hanging(FakeSpeaker):
        async def say(self, text: str, volume: float | None = None) -> None:
            await asyncio.Event().wait()

    async def run() -> Verdict:
        async with fake_parts(Settings(), tmp_path) as parts:
            (result,) = await walk(replace(parts, speaker=Hanging()), ("clock",))
            return result.outcome.verdict

    assert asyncio.run(run()) is Verdict.WELL


# -- sound -----------------------------------------------------------------------------------


def test_without_a_loudspeaker_the_table_tells_it(tmp_path: Path) -> None:
    def mute(parts: Parts, speaker: FakeSpeaker) -> Parts:
        speaker.loudspeaker, speaker.trouble = "", "no card"
        return parts

    found, _ = outcome_of("voice", tmp_path, mute)
    assert found.verdict is Verdict.WRONG
    assert "no card" in found.detail


def test_the_simple_voice_is_not_the_natural_one(tmp_path: Path) -> None:
    def simple(parts: Parts, speaker: FakeSpeaker) -> Parts:
        speaker.voice = "espeak-ng"
        return parts

    found, _ = outcome_of("voice", tmp_path, simple)
    assert found.spoken == "My natural voice is missing. You hear the simple one."


def test_the_volume_rises(tmp_path: Path) -> None:
    found, speaker = outcome_of("volume", tmp_path)
    assert found.verdict is Verdict.WELL
    heard = [volume for volume in speaker.volumes if volume is not None]
    assert heard == sorted(heard)
    assert len(set(heard)) == 3


def test_sound_that_breaks_off_is_told(tmp_path: Path) -> None:
    def crackle(parts: Parts, speaker: FakeSpeaker) -> Parts:
        def count(_: str) -> None:
            speaker.underruns += 1

        speaker.on_say = count
        return parts

    found, _ = outcome_of("volume", tmp_path, crackle)
    assert found.verdict is Verdict.WRONG
    assert found.detail == "3 interruptions"


@pytest.mark.parametrize(
    ("silence", "speech", "spoken"),
    [
        (20.0, 2000.0, "The microphone hears me."),
        (500.0, 600.0, "The microphone works, but does not hear me."),
        (2.0, 30.0, "The microphone is too quiet."),
        (20.0, 60000.0, "The microphone is too sensitive"),
    ],
)
def test_the_microphone_must_hear_the_voice(
    tmp_path: Path, silence: float, speech: float, spoken: str
) -> None:
    def ear(parts: Parts, speaker: FakeSpeaker) -> Parts:
        return replace(parts, microphone=HearingMicrophone(speaker, silence, speech))

    found, _ = outcome_of("microphone", tmp_path, ear)
    assert found.spoken.startswith(spoken)
    assert "dBFS" in found.detail


@pytest.mark.parametrize(
    ("flaw", "verdict"),
    [(Flaw.MISSING, Verdict.ABSENT), (Flaw.DEAD, Verdict.WRONG), (Flaw.VANISHING, Verdict.WRONG)],
)
def test_a_microphone_that_is_missing_dead_or_lost(
    tmp_path: Path, flaw: Flaw, verdict: Verdict
) -> None:
    class Fast(FakeMicrophone):
        """A dead one takes two seconds of samples to be known; here they come at once."""

        async def pieces(self) -> AsyncIterator[np.ndarray]:
            if flaw is Flaw.VANISHING:
                yield np.full(8000, 300, np.int16) * np.resize([1, -1], 8000).astype(np.int16)
                raise MicrophoneLost(device="fake")
            self._samples = np.zeros(0, np.int16)
            async for piece in super().pieces():
                yield piece

    found, _ = outcome_of(
        "microphone",
        tmp_path,
        lambda parts, _: replace(parts, microphone=Fast(np.zeros(0, np.int16), flaw)),
    )
    assert found.verdict is verdict


def test_a_microphone_that_is_refused_tells_why(tmp_path: Path) -> None:
    class Refused:
        async def pieces(self) -> AsyncIterator[np.ndarray]:
            raise MicrophoneMissing(reason="'usb' is not among: none")
            yield np.zeros(1, np.int16)

    found, _ = outcome_of(
        "microphone", tmp_path, lambda parts, _: replace(parts, microphone=Refused())
    )
    assert found.detail == "'usb' is not among: none"


# -- fingers ---------------------------------------------------------------------------------


@pytest.mark.parametrize("map_", ["one", "three", "five"])
def test_every_button_is_asked_for_by_its_name(tmp_path: Path, map_: str) -> None:
    found, speaker = outcome_of("buttons", tmp_path, map_=map_)
    asked = [text for text in speaker.said if text.startswith("Press the button ")]
    assert asked == [f"Press the button {button.name}." for button in MAPS[map_]]
    assert found.verdict is Verdict.WELL


def with_finger(act: Callable[[FakeFinger, str], None], stuck: tuple[int, ...] = ()) -> Change:
    """A finger that does something else than it is asked."""

    def change(parts: Parts, speaker: FakeSpeaker) -> Parts:
        finger = FakeFinger(parts.settings)

        def open_(numbers: tuple[int, ...], on_edge: Callable[[int, bool, int], None]) -> object:
            finger.contacts = FakeContacts(numbers, on_edge, stuck)
            return finger.contacts

        def obey(text: str) -> None:
            asyncio.get_running_loop().call_later(0.002, act, finger, text)

        speaker.on_say = obey
        return replace(parts, contacts=open_)  # type: ignore[arg-type]

    return change


def asked_for(text: str) -> str:
    return text.removeprefix("Press the button ").rstrip(".") if "Press the" in text else ""


def test_exchanged_wires_are_named(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        exchanged = {"back": 22, "forward": 27}
        name = asked_for(text)
        if name and finger.contacts:
            finger.contacts.press(exchanged.get(name, finger.pins[name]))

    found, speaker = outcome_of("buttons", tmp_path, with_finger(act))
    assert found.spoken == "2 buttons need a hand."
    assert "Instead of back the button forward came; their wires are exchanged." in speaker.said
    assert "big (GPIO 17) works" in found.detail


def test_a_button_that_does_nothing_is_named(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        name = asked_for(text)
        if name not in ("", "big") and finger.contacts:
            finger.contacts.press(finger.pins[name])

    found, _ = outcome_of("buttons", tmp_path, with_finger(act))
    assert found.spoken == "No press of the button big came; check its two wires."


def test_a_talk_button_may_be_left_out(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        name = asked_for(text)
        if name not in ("", "talk") and finger.contacts:
            finger.contacts.press(finger.pins[name])

    found, speaker = outcome_of("buttons", tmp_path, with_finger(act))
    assert found.verdict is Verdict.WELL
    assert "talk (GPIO 25) not built" in found.detail
    assert "No talk button. It may be left out." in speaker.said


def test_wires_that_touch_are_named(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        name = asked_for(text)
        if name and finger.contacts:
            finger.contacts.press(finger.pins[name])
            if name == "big":
                finger.contacts.press(finger.pins["back"])

    found, _ = outcome_of("buttons", tmp_path, with_finger(act))
    assert found.spoken == "With big the button back came too; their wires touch."


def test_a_contact_that_chatters_is_named(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        name = asked_for(text)
        if name and finger.contacts:
            finger.contacts.press(finger.pins[name], edges=40 if name == "big" else 3)

    found, _ = outcome_of("buttons", tmp_path, with_finger(act))
    assert found.spoken == "The contact of big is bad: it chatters."


def test_a_button_that_is_held_down_is_told_at_once(tmp_path: Path) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        finger.obey(text)

    found, speaker = outcome_of("buttons", tmp_path, with_finger(act, stuck=(17,)))
    assert found.spoken == "The button big is held down, or its wire touches ground."
    assert "Press the button big." not in speaker.said


def test_pins_that_cannot_be_opened_are_told(tmp_path: Path) -> None:
    def refuse(*_: object) -> FakeContacts:
        raise InputDeviceMissing(device="GPIO", reason="no chip")

    found, _ = outcome_of("buttons", tmp_path, lambda parts, _: replace(parts, contacts=refuse))
    assert found.verdict is Verdict.WRONG
    assert "no chip" in found.detail


def test_without_buttons_there_is_nothing_to_press(tmp_path: Path) -> None:
    found, _ = outcome_of("buttons", tmp_path, map_="none")
    assert found.verdict is Verdict.ABSENT


@pytest.mark.parametrize(
    ("right", "left", "spoken"),
    [
        ((6, 5), (5, 6), "The knob works."),
        ((5, 6), (6, 5), "The knob turns the wrong way. Exchange its two outer wires."),
        (None, None, "No turn of the knob came. Check its three wires."),
        ((5, 6), (5, 6), "The knob works only one way. Check its outer wires."),
    ],
)
def test_the_knob(
    tmp_path: Path, right: tuple[int, int] | None, left: tuple[int, int] | None, spoken: str
) -> None:
    def act(finger: FakeFinger, text: str) -> None:
        order = right if "right" in text else left
        if text.startswith("Turn") and order and finger.contacts:
            for _ in range(2):
                finger.contacts.turn(*order)

    found, _ = outcome_of("knob", tmp_path, with_finger(act), map_="five-and-knob")
    assert found.spoken == spoken


# -- sight -----------------------------------------------------------------------------------


def views_of(*views: View) -> Callable[[], AsyncGenerator[View, None]]:
    async def look() -> AsyncGenerator[View, None]:
        while True:
            for view in views:
                yield view
                await asyncio.sleep(0.01)

    return look


@pytest.mark.usefixtures("short_look")
@pytest.mark.parametrize(
    ("grey", "spoken"),
    [
        (np.full((480, 640), 20, np.uint8), "It is too dark for the camera. Add light."),
        (np.full((480, 640), 255, np.uint8), "The picture is burnt out."),
        (np.full((480, 640), 180, np.uint8), "The camera sees, but no print."),
    ],
)
def test_a_picture_that_is_no_good_is_told_why(
    tmp_path: Path, grey: np.ndarray, spoken: str
) -> None:
    found, _ = outcome_of(
        "camera", tmp_path, lambda parts, _: replace(parts, views=views_of(View(grey, 1920)))
    )
    assert found.verdict is Verdict.WRONG
    assert found.spoken.startswith(spoken)


@pytest.mark.usefixtures("short_look")
@pytest.mark.parametrize("error", [CameraMissing, CameraBlack])
def test_a_camera_in_trouble_says_its_own_sentence(tmp_path: Path, error: type) -> None:
    trouble = error(camera="usb", reason="x")
    found, _ = outcome_of(
        "camera",
        tmp_path,
        lambda parts, _: replace(parts, views=views_of(View(None, trouble=trouble))),
    )
    assert found.spoken == trouble.speech


def test_a_camera_of_few_pixels_is_told(tmp_path: Path) -> None:
    def small(parts: Parts, _: FakeSpeaker) -> Parts:
        async def look() -> AsyncGenerator[View, None]:
            async for view in parts.views():
                yield replace(view, full_long_px=640)

        return replace(parts, views=look)

    found, _ = outcome_of("camera", tmp_path, small)
    assert found.verdict is Verdict.WRONG
    assert "640 px" in found.detail


def test_every_verdict_has_its_sentence() -> None:
    from voxedge.vision.framing import Verdict as Framing

    assert set(steps_sight._TELL) == set(Framing) - {Framing.OK}


# -- the box ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"under_voltage": True}, "My power supply is too weak."),
        ({"temperature_c": 84.0}, "I am getting too hot."),
        ({"throttled": True}, "I have to work more slowly now"),
        ({"memory_available_mb": 40}, "I am short of memory."),
    ],
)
def test_heat_and_power_are_judged_as_the_reader_judges_them(
    tmp_path: Path, changes: dict[str, object], part: str
) -> None:
    ill = replace(HEALTHY, **changes)  # type: ignore[arg-type]
    found, _ = outcome_of("power", tmp_path, lambda parts, _: replace(parts, snapshot=lambda: ill))
    assert part in found.spoken
    assert found.verdict is Verdict.WRONG


def test_a_sensor_that_is_not_there_is_said_and_is_no_fault(tmp_path: Path) -> None:
    debian = replace(HEALTHY, under_voltage=None)
    found, _ = outcome_of(
        "power", tmp_path, lambda parts, _: replace(parts, snapshot=lambda: debian)
    )
    assert (found.verdict, found.spoken) == (
        Verdict.WELL,
        "The temperature is well. The supply cannot be measured here.",
    )
    bare = replace(debian, temperature_c=None)
    found, _ = outcome_of("power", tmp_path, lambda parts, _: replace(parts, snapshot=lambda: bare))
    assert found.verdict is Verdict.ABSENT


def test_storage_is_written_and_left_clean(tmp_path: Path) -> None:
    found, _ = outcome_of("storage", tmp_path)
    assert found.verdict is Verdict.WELL
    assert list((tmp_path / "state").iterdir()) == []


@pytest.mark.parametrize(
    ("speed", "whole", "free_mb", "spoken"),
    [
        (20.0, False, 9000, "My storage does not give back what I write. Change the card."),
        (0.2, True, 9000, "My storage is very slow. Change the card."),
        (20.0, True, 100, "My storage is almost full. Use a larger card."),
    ],
)
def test_a_bad_card_is_told(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    speed: float,
    whole: bool,
    free_mb: int,
    spoken: str,
) -> None:
    monkeypatch.setattr(steps_box, "_write_and_read", lambda _: (speed, whole))
    snapshot = replace(HEALTHY, disk_free_mb=free_mb)
    found, _ = outcome_of(
        "storage", tmp_path, lambda parts, _: replace(parts, snapshot=lambda: snapshot)
    )
    assert found.spoken == spoken


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    found, _ = outcome_of("storage", tmp_path)
    assert found.spoken.startswith("I cannot write to my storage.")


def test_a_damaged_model_is_named_and_the_others_looked_at(tmp_path: Path) -> None:
    checks = (
        ("natural voice", broken(VoiceCorrupt(voice="joe", reason="sha256"))),
        ("page reader", lambda: "tesseract 5"),
    )
    found, _ = outcome_of("models", tmp_path, lambda parts, _: replace(parts, models=checks))
    assert found.spoken == "Missing or damaged: natural voice."
    assert "sha256" in found.detail
    assert "page reader: tesseract 5" in found.detail


@pytest.mark.parametrize(
    ("now_s", "synchronised", "verdict", "part"),
    [
        (0.0, False, Verdict.WRONG, "The clock is not set."),
        (1.8e9, True, Verdict.WELL, "set by the network"),
        (1.8e9, False, Verdict.WELL, "Nobody has checked it."),
    ],
)
def test_the_clock(
    tmp_path: Path, now_s: float, synchronised: bool, verdict: Verdict, part: str
) -> None:
    found, _ = outcome_of(
        "clock",
        tmp_path,
        lambda parts, _: replace(parts, now_s=lambda: now_s, synchronised=lambda: synchronised),
    )
    assert found.verdict is verdict
    assert part in found.spoken


# -- the command -----------------------------------------------------------------------------


def test_the_simulated_walk_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--simulate"]) == 0
    printed = capsys.readouterr().out
    assert "Press the button big." in printed
    assert "WRONG" not in printed


def test_json_is_one_object_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["selftest", "--simulate", "--json", "--only", "clock", "--only", "power"])
    answer = json.loads(capsys.readouterr().out)
    assert code == 0
    assert answer["well"] is True
    assert [step["step"] for step in answer["steps"]] == ["clock", "power"]
    assert set(answer["steps"][0]) == {"step", "verdict", "spoken", "detail", "took_s"}


def test_an_unknown_step_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest", "--simulate", "--only", "wings"]) == 2
    assert "There is no step 'wings'. Steps: voice, volume" in capsys.readouterr().err


def test_a_reader_in_the_way_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Reader:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> "Reader":
            return self

        def __exit__(self, *_: object) -> None: ...
        def status(self) -> None: ...

    monkeypatch.setattr("voxedge.api.client.ControlClient", Reader)
    monkeypatch.setenv("VOXEDGE_SOCKET", "/nonexistent/socket")
    assert main(["selftest", "--only", "clock"]) == 2
    assert "The reader runs and holds camera and buttons. End it first" in capsys.readouterr().err


def test_the_service_makes_way_and_comes_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[list[str]] = []

    class Reader:
        def __init__(self, *_: object, **__: object) -> None: ...
        def __enter__(self) -> "Reader":
            return self

        def __exit__(self, *_: object) -> None: ...
        def status(self) -> None: ...

    monkeypatch.setattr("voxedge.api.client.ControlClient", Reader)
    monkeypatch.setenv("VOXEDGE_SOCKET", "/run/voxedge/control.sock")
    monkeypatch.setattr(command.os, "geteuid", lambda: 0)
    monkeypatch.setattr(command.subprocess, "run", lambda words, **_: calls.append(words))
    with pytest.raises(ZeroDivisionError), command.service_at_rest():
        raise ZeroDivisionError
    assert [words[1] for words in calls] == ["stop", "start"]


def test_a_bare_machine_is_walked_to_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The real parts, on a machine without pins, camera, microphone or loudspeaker."""
    monkeypatch.setenv("VOXEDGE_SOCKET", str(tmp_path / "none"))
    names = ["voice", "buttons", "camera", "power", "storage", "clock"]
    only = [word for name in names for word in ("--only", name)]
    out = tmp_path / "told.wav"
    code = main(["selftest", "--json", "--out", str(out), "--state", str(tmp_path / "s"), *only])
    answer = json.loads(capsys.readouterr().out)
    assert [step["step"] for step in answer["steps"]] == names
    assert code == (0 if answer["well"] else 1)
    assert out.stat().st_size > 50_000, "it was spoken into the file"


def test_real_checks_name_every_model() -> None:
    names = [name for name, _ in real.model_checks(Settings())]
    wanted = ["natural voice", "simple voice", "page reader", "languages", "second reader", "ear"]
    assert names == wanted


def test_an_ear_without_a_model_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXEDGE_MODELS", str(tmp_path))
    assert dict(real.model_checks(Settings()))["ear"]() == "no model of its own"
    deaf = replace(Settings(), hearing=replace(Settings().hearing, commands=False))
    assert dict(real.model_checks(deaf))["ear"]() == "not wanted"


def test_the_farewell_names_what_is_wrong() -> None:
    from voxedge.system.selftest.outcome import Result, wrong

    bad = tuple(Result(name, wrong("x"), 0.0) for name in ("camera", "knob", "clock"))
    assert farewell(bad) == "The self-test is done. 3 parts need a hand: camera, knob and clock."
    assert farewell(bad[:1]) == "The self-test is done. One part needs a hand: the camera."
    assert not all_well(bad)
