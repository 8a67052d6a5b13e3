"""Whatever is asked in whatever order: something is heard each time, and nothing gets stuck."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import LEAFLET, SECOND, Rig, rig

from voxedge.actions import Action, Intent, SlotKind, State, Value, intent
from voxedge.errors import ActionUnfit, DiskFull, OcrFailed
from voxedge.reader.conversation.paging import WORKING
from voxedge.reader.conversation.steps import HANDLERS

TEXTS = st.sampled_from(["keep it", "dose", "side effects", "tablet", "Dosage", "zebra", "5"])


def asked(action: Action) -> st.SearchStrategy[tuple[Action, dict[str, Value]]]:
    slots = {
        slot.name: st.integers(1, 4) if slot.kind is SlotKind.NUMBER else TEXTS
        for slot in action.row.slots
    }
    return st.tuples(st.just(action), st.fixed_dictionaries(slots))  # type: ignore[arg-type]


# Letting go of TALK is half a gesture: what is heard of it is what was said meanwhile.
actions = st.sampled_from([a for a in Action if a is not Action.TALK_END]).flatmap(asked)
steps = st.one_of(
    st.tuples(st.sampled_from(["do", "press", "touch and press"]), actions),
    st.tuples(st.just("read"), st.just((Action.READ, {}))),
    st.tuples(st.just("wait"), st.integers(1, 40)),
    st.tuples(st.sampled_from(["full card", "card well", "bad page", "page well"]), st.none()),
)


def test_every_plain_action_has_a_handler() -> None:
    only_buttons = {
        Action.READ_OR_STOP,
        Action.ONE_BUTTON,
        Action.REPEAT_OR_RESUME,
        Action.MENU_OR_CHOOSE,
        Action.FORWARD,
        Action.BACK,
        Action.PAUSE_OR_RESUME,
    }
    assert set(Action) - only_buttons == set(HANDLERS)


def check(r: Rig) -> None:
    model = r.model
    assert (model.state is State.MENU) == (model.menu is not None)
    if model.state in WORKING:
        assert model.work is not None
    if model.state in (State.READING, State.PAUSED):
        assert model.open is not None
        assert not model.open.book.empty
    if model.open is not None and not model.open.book.empty:
        assert 0 <= model.open.cursor.word < len(model.open.book.outline.words)
    assert r.pages.open <= 1


@given(st.lists(steps, max_size=30))
@settings(max_examples=60, deadline=None)
def test_nothing_is_silent_and_nothing_gets_stuck(script: list) -> None:  # type: ignore[type-arg]
    async def work(r: Rig) -> None:
        said = 0
        say = r.session.speaker.owner.say
        resume = r.session.speaker.owner.resume

        def counted_say(*arguments):  # type: ignore[no-untyped-def]
            nonlocal said
            said += 1
            return say(*arguments)

        def counted_resume() -> None:
            nonlocal said
            said += 1
            resume()

        r.session.speaker.owner.say = counted_say  # type: ignore[method-assign]
        r.session.speaker.owner.resume = counted_resume  # type: ignore[method-assign]
        for kind, what in script:
            if kind == "wait":
                await asyncio.sleep(what / 4)
            elif kind == "full card":
                r.shelf.error = DiskFull(path="library")
            elif kind == "card well":
                r.shelf.error = None
            elif kind == "bad page":
                r.pages.error = OcrFailed(reason="killed")
            elif kind == "page well":
                r.pages.error = None
            else:
                action, arguments = what
                before = said + len(r.earcons)
                if kind in ("press", "touch and press"):
                    if kind == "touch and press":
                        r.session.press(Intent(Action.HUSH))
                        await asyncio.sleep(0.1)
                    r.session.press(intent(action, arguments))
                else:
                    try:
                        await r.session.do(intent(action, arguments))
                    except ActionUnfit:
                        assert r.earcons[-1] == "error"
                await asyncio.sleep(0.1)
                assert said + len(r.earcons) > before, action
            check(r)
        # Left alone, everything comes to its end by itself.
        r.pages.error = r.shelf.error = None
        await asyncio.sleep(45.0)
        check(r)
        assert r.state in (State.IDLE, State.PAUSED, State.READING)
        if r.state is State.READING:
            assert r.session.speaking, "reading means that something is heard"
            await r.until(lambda: r.state is State.IDLE, 60.0)
        assert r.pages.open == 0
        assert r.voice.open == 0 or r.state is State.PAUSED
        # And the reader still reads.
        await r.do(Action.STOP)
        await r.read()

    rig(work, LEAFLET, SECOND, ms_per_char=8.0)
