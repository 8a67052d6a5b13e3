"""Buttons and knob on gpiozero's mock pins: the real adapter, the real event loop."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory
from hypothesis import given
from hypothesis import strategies as st

from voxedge.actions import Action
from voxedge.errors import InputDeviceMissing
from voxedge.inputs.bindings import FIVE, ONE
from voxedge.inputs.buttons import Buttons
from voxedge.inputs.encoder import PIN_A, PIN_B, Knob, QuadratureDecoder
from voxedge.inputs.events import Asked, Trouble
from voxedge.inputs.gestures import Timing
from voxedge.inputs.pins import open_factory

FAST = Timing(debounce_ms=2, hold_ms=60, double_ms=40, repeat_ms=20, stuck_ms=5_000)


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    made = open_factory("mock")
    assert isinstance(made, MockFactory)
    yield made
    made.close()


class Heard:
    """Keeps what was delivered and wakes who waits for it."""

    def __init__(self) -> None:
        self.events: asyncio.Queue[Asked | Trouble] = asyncio.Queue()
        self.threads: set[int] = set()

    def __call__(self, event: Asked | Trouble) -> None:
        self.threads.add(threading.get_ident())
        self.events.put_nowait(event)

    async def next(self) -> Asked | Trouble:
        return await asyncio.wait_for(self.events.get(), 5)

    async def action(self) -> Action:
        event = await self.next()
        assert isinstance(event, Asked)
        return event.intent.action


def play(scene: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scene()

    asyncio.run(main())


def test_a_press_hushes_and_then_asks(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        pin = factory.pin("GPIO17")
        pin.drive_low()
        assert await heard.action() is Action.HUSH
        pin.drive_high()
        assert await heard.action() is Action.ONE_BUTTON
        buttons.close()

    play(scene)


def test_a_hold_asks_for_the_menu(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        factory.pin("GPIO17").drive_low()
        assert await heard.action() is Action.HUSH
        assert await heard.action() is Action.MENU_OR_CHOOSE
        buttons.close()

    play(scene)


def test_a_double_press(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, Timing(debounce_ms=1, hold_ms=9000, double_ms=9000))
        pin = factory.pin("GPIO17")
        pin.drive_low()
        assert await heard.action() is Action.HUSH
        pin.drive_high()
        await asyncio.sleep(0.01)  # not to wait for something: the level must stand for 1 ms
        pin.drive_low()
        assert await heard.action() is Action.HUSH
        assert await heard.action() is Action.REPEAT_OR_RESUME
        buttons.close()

    play(scene)


def test_volume_repeats_and_does_not_hush(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, FIVE, heard, FAST)
        factory.pin("GPIO24").drive_low()
        assert [await heard.action() for _ in range(3)] == [Action.LOUDER] * 3
        buttons.close()

    play(scene)


def test_edges_from_the_drivers_thread_arrive_on_the_loop(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        driver = threading.Thread(target=factory.pin("GPIO17").drive_low)
        driver.start()
        assert await heard.action() is Action.HUSH
        driver.join()
        assert heard.threads == {threading.get_ident()}
        buttons.close()

    play(scene)


def test_a_wire_that_swings_freely_neither_floods_nor_acts(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        pin = factory.pin("GPIO17")

        def swing() -> None:
            for _ in range(50_000):
                pin.drive_low()
                pin.drive_high()

        await asyncio.to_thread(swing)
        pin.drive_low()
        assert await heard.action() is Action.HUSH, "and a true press after it is heard"
        buttons.close()

    play(scene)


def test_one_wake_up_is_outstanding_however_many_edges_come(
    factory: MockFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        loop = asyncio.get_running_loop()
        woken: list[object] = []
        real = loop.call_soon_threadsafe
        monkeypatch.setattr(
            loop, "call_soon_threadsafe", lambda call: (woken.append(call), real(call))
        )
        pin = factory.pin("GPIO17")
        for _ in range(1000):  # the loop runs nothing meanwhile, as when it is busy
            pin.drive_low()
            pin.drive_high()
        pin.drive_low()
        assert len(woken) == 1
        assert await heard.action() is Action.HUSH
        buttons.close()

    play(scene)


def test_a_stuck_button_is_told_and_its_release_too(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        timing = Timing(debounce_ms=2, hold_ms=10, double_ms=10, stuck_ms=30)
        pin = factory.pin("GPIO17")
        buttons = Buttons(factory, ONE, heard, timing)
        pin.drive_low()
        found = [await heard.next() for _ in range(3)]
        trouble = found[-1]
        assert isinstance(trouble, Trouble)
        assert trouble.source == "button big"
        assert "held down" in str(trouble.error)
        pin.drive_high()
        assert await heard.next() == Trouble("button big", None)
        buttons.close()

    play(scene)


def test_nothing_is_delivered_after_close_and_pins_are_free_again(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        buttons = Buttons(factory, ONE, heard, FAST)
        pin = factory.pin("GPIO17")
        pin.drive_low()
        buttons.close()
        pin.drive_high()
        again = Buttons(factory, ONE, heard, FAST)
        assert heard.events.empty()
        factory.pin("GPIO17").drive_low()
        assert await heard.action() is Action.HUSH
        again.close()

    play(scene)


def test_a_pin_that_is_taken_is_named(factory: MockFactory) -> None:
    async def scene() -> None:
        buttons = Buttons(factory, ONE, Heard(), FAST)
        with pytest.raises(InputDeviceMissing) as caught:
            Knob(factory, Heard(), pin_a=16, pin_b=17)
        assert "GPIO 17" in str(caught.value)
        knob = Knob(factory, Heard(), pin_a=16, pin_b=12)  # the first pin was given back
        knob.close()
        buttons.close()

    play(scene)


@pytest.mark.skipif(Path("/dev/gpiochip0").exists(), reason="this machine has GPIO pins")
def test_no_gpio_chip_is_a_sentence() -> None:
    with pytest.raises(InputDeviceMissing) as caught:
        open_factory("lgpio")
    assert "GPIO cannot be used" in str(caught.value)
    assert caught.value.speech.endswith(".")


CLOCKWISE = [(False, True), (True, True), (True, False), (False, False)]


def test_the_knob_turns_the_volume(factory: MockFactory) -> None:
    async def scene() -> None:
        heard = Heard()
        knob = Knob(factory, heard)
        pins = {"a": factory.pin(f"GPIO{PIN_A}"), "b": factory.pin(f"GPIO{PIN_B}")}

        def turn(levels: list[tuple[bool, bool]]) -> None:
            for level_a, level_b in levels:
                for name, closed in (("a", level_a), ("b", level_b)):
                    if closed:
                        pins[name].drive_low()
                    else:
                        pins[name].drive_high()

        turn(CLOCKWISE)
        assert await heard.action() is Action.LOUDER
        turn([(b, a) for a, b in CLOCKWISE])
        assert await heard.action() is Action.SOFTER
        knob.close()

    play(scene)


def clicks(levels: list[tuple[bool, bool]]) -> int:
    decoder = QuadratureDecoder()
    return sum(decoder.update(a, b) for a, b in levels)


@given(st.lists(st.sampled_from([1, -1]), max_size=20), st.data())
def test_bounce_never_changes_the_count(turns: list[int], data: st.DataObject) -> None:
    path: list[tuple[bool, bool]] = []
    for turn in turns:
        steps = CLOCKWISE if turn > 0 else [(b, a) for a, b in CLOCKWISE]
        for step in steps:
            before = path[-1] if path else (False, False)
            bounces = data.draw(st.integers(0, 2))
            path += [step, before] * bounces + [step]
    assert clicks(path) == sum(turns)


@given(st.integers(0, 3), st.sampled_from([1, -1]))
def test_a_lost_edge_shifts_nothing(lost: int, turn: int) -> None:
    steps = CLOCKWISE if turn > 0 else [(b, a) for a, b in CLOCKWISE]
    damaged = [step for index, step in enumerate(steps) if index != lost]
    assert clicks(damaged + steps * 5) in (5 * turn, 6 * turn)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_noise_makes_at_most_one_click_a_rest(levels: list[tuple[bool, bool]]) -> None:
    decoder = QuadratureDecoder()
    for a, b in levels:
        step = decoder.update(a, b)
        assert step in (-1, 0, 1)
        assert step == 0 or (a, b) == (False, False)
