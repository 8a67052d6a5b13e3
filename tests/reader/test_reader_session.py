"""Every action of the table, in a whole session over fakes: what is heard, and where it leads."""

import asyncio
import datetime

import pytest
from rigs import LEAFLET, MESSAGES, SECOND, Rig, rig

from voxedge.actions import Action, Intent, State, intent
from voxedge.errors import (
    ActionUnfit,
    CameraFailed,
    CameraMissing,
    DiskFull,
    NothingToRead,
    OcrFailed,
)
from voxedge.flow import Frame, VoiceKind
from voxedge.reader.conversation.effects import say
from voxedge.reader.conversation.model import Model
from voxedge.reader.guide import Hint, Move, Tone
from voxedge.reader.session import HUSH_S, LIMITS_S
from voxedge.speech.lines import SpeechClass


def joined(said: list[str]) -> str:
    return " ".join(said)


# Reading a page


def test_read_takes_a_picture_and_reads_it_to_its_end() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        assert r.state is State.FRAMING
        await r.until(lambda: r.state is State.RECOGNISING)
        assert r.earcons == ["working", "shutter"]
        await r.until(lambda: r.state is State.READING)
        await r.until(lambda: r.state is State.IDLE)
        assert r.sentence == "Keep it out of the reach of children."
        await asyncio.sleep(10)
        assert r.said[:2] == ["Dosage", "Take one tablet in the morning."]
        end = r.said.index("End of the page.")
        assert r.said[end - 1] == "Keep it out of the reach of children."
        assert "Press the big button" in r.said[end + 1]

    rig(work)


def test_speech_starts_while_the_page_is_still_being_read() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        assert r.model.work is not None
        assert r.pages.open == 1

    rig(work, section_s=2.0)


def test_a_slow_recogniser_is_heard_working_and_then_reading_goes_on() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is not None and r.earcons.count("working") >= 3)
        assert r.state is State.READING
        await r.until(lambda: r.state is State.IDLE)
        assert "Keep it dry." in r.said

    rig(work, "# One\nShort.\n# Two\nKeep it dry.", section_s=12.0)


def test_append_page_goes_to_the_end_of_the_document_without_stopping_the_voice() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.APPEND_PAGE)
        assert r.state is State.READING
        await r.until(lambda: r.model.open is not None and r.model.open.book.outline.pages == 2)
        await r.until(lambda: r.state is State.IDLE)
        assert "Made in Delft." in r.said
        await asyncio.sleep(3)
        assert "End of the document." in r.said

    rig(work, LEAFLET, SECOND)


def test_append_to_a_document_at_rest_reads_the_new_page() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.STOP)
        await r.do(Action.APPEND_PAGE)
        assert r.state is State.RECOGNISING or r.state is State.READING
        await r.until(lambda: r.state is State.READING)
        assert r.sentence == "Manufacturer"

    rig(work, LEAFLET, SECOND)


def test_append_without_a_document_is_a_first_page() -> None:
    async def work(r: Rig) -> None:
        await r.do(Action.APPEND_PAGE)
        await r.until(lambda: r.state is State.READING)

    rig(work)


def test_a_second_append_waits_for_the_first() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.APPEND_PAGE)
        assert "still reading the page" in joined(await r.do(Action.APPEND_PAGE))

    rig(work, section_s=1.0)


@pytest.mark.parametrize("error", [CameraMissing(camera="c", reason="r"), CameraFailed(camera="c")])
def test_a_camera_that_fails_is_told_and_the_old_page_stays(error: Exception) -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.STOP)
        r.camera.error = error  # type: ignore[assignment]
        await r.session.do(intent(Action.READ))
        await r.until(lambda: r.state is State.IDLE)
        await asyncio.sleep(1)
        assert "error" in r.earcons
        assert "camera" in joined(r.said).lower()
        assert r.model.open is not None

    rig(work)


def test_a_second_press_while_the_page_is_looked_for_takes_it_as_it_is() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        r.session.press(Intent(Action.HUSH))
        r.session.press(Intent(Action.ONE_BUTTON))
        assert r.camera.pressed == 1
        assert r.state is State.FRAMING

    rig(work)


def test_a_third_press_gives_up_a_camera_that_did_not_answer_to_the_second() -> None:
    async def work(r: Rig) -> None:
        r.camera.takes_s = 60.0
        await r.session.do(intent(Action.READ))
        for _ in range(2):
            r.session.press(Intent(Action.HUSH))
            r.session.press(Intent(Action.ONE_BUTTON))
        assert r.camera.pressed == 1
        assert r.state is State.IDLE
        assert r.model.work is None

    rig(work)


def test_one_more_page_is_taken_as_it_is_when_it_is_asked_for_twice() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.camera.takes_s = 5.0
        await r.session.do(intent(Action.APPEND_PAGE))
        await r.session.do(intent(Action.APPEND_PAGE))
        assert r.camera.pressed == 1
        assert r.state is State.READING
        await r.session.do(intent(Action.APPEND_PAGE))
        assert r.camera.pressed == 1, "it is being taken"

    rig(work)


def test_hints_and_tones_are_heard_and_keep_the_wait_alive() -> None:
    async def work(r: Rig) -> None:
        r.camera.takes_s = 60.0
        await r.session.do(intent(Action.QUIET_MODE))
        await r.until(lambda: not r.session.speaking)
        await r.session.do(intent(Action.READ))
        for _ in range(5):
            await asyncio.sleep(10.0)
            r.session.guide(Move(tone=Tone.FAR))
        assert r.earcons[-1] == "guide_far"
        assert r.state is State.FRAMING, "the guide is alive"
        assert r.session.is_hint_heard
        r.said.clear()
        r.session.guide(Move(Hint("guide_cut_left")))
        await asyncio.sleep(0.2)
        assert joined(r.said).startswith("The page is cut off on the left.")
        assert not r.session.is_hint_heard
        r.session.guide(Move(Hint("CameraLost", "My camera is gone.", urgent=True)))
        await asyncio.sleep(0.2)
        assert r.said[-1] == "My camera is gone."

    rig(work)


def test_a_camera_that_says_nothing_for_too_long_is_given_up() -> None:
    async def work(r: Rig) -> None:
        r.camera.takes_s = 600.0
        await r.session.do(intent(Action.READ))
        await asyncio.sleep(LIMITS_S[State.FRAMING] + 1)
        assert r.state is State.IDLE
        assert "The camera did not answer." in joined(r.said)

    rig(work)


def test_a_hint_for_one_more_page_interrupts_the_reading_and_the_reading_goes_on() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        r.camera.takes_s = 60.0
        await r.session.do(intent(Action.APPEND_PAGE))
        assert r.session.is_hint_heard, "a reading gives way"
        r.said.clear()
        r.session.guide(Move(Hint("guide_cut_top")))
        await asyncio.sleep(0.2)
        assert joined(r.said).startswith("The page is cut off at the top.")
        await r.until(lambda: r.session.is_hint_heard)
        await asyncio.sleep(0.5)
        assert r.state is State.READING
        assert r.session.speaking

    rig(work)


def test_a_blank_page_is_told() -> None:
    async def work(r: Rig) -> None:
        r.pages.error, r.pages.fails_at_once = NothingToRead(path="x"), True
        await r.session.do(intent(Action.READ))
        await r.until(lambda: r.state is State.IDLE)
        await asyncio.sleep(1)
        assert "I found no text on this page." in r.said

    rig(work)


def test_a_page_that_breaks_off_is_read_as_far_as_it_goes_and_said_so() -> None:
    async def work(r: Rig) -> None:
        r.pages.error = OcrFailed(reason="killed")
        await r.read()
        await r.until(lambda: r.state is State.IDLE)
        assert "I could not read the rest of the page." in r.said
        assert "Do not chew it." in r.said
        assert r.pages.open == 0

    rig(work)


def test_a_recogniser_that_never_answers_is_given_up() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        await r.until(lambda: r.state is State.RECOGNISING)
        await asyncio.sleep(LIMITS_S[State.RECOGNISING] + 1)
        assert r.state is State.IDLE
        assert "took too long" in joined(r.said)
        assert r.pages.open == 0

    rig(work, section_s=1e6)


# Stop, pause, resume


def test_stop_is_silent_within_a_block_and_a_fade_and_keeps_the_place() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence == "Do not chew it.")
        await r.session.do(intent(Action.STOP))
        assert not r.session.speaking or r.session.speaker.owner.speaking is not None
        await asyncio.sleep(0.05)
        assert r.session.speaker.owner.speaking is None
        assert r.state is State.IDLE
        assert r.sentence == "Do not chew it."
        await r.do(Action.RESUME)
        assert r.state is State.READING
        assert r.sentence == "Do not chew it."

    rig(work)


def test_stop_while_a_page_is_worked_on_gives_it_up() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        await r.until(lambda: r.state is State.RECOGNISING)
        said = await r.do(Action.STOP)
        assert "not read" in joined(said)
        assert r.state is State.IDLE
        assert r.pages.open == 0
        await asyncio.sleep(20)
        assert r.state is State.IDLE

    rig(work, section_s=5.0)


def test_stop_in_silence_still_sounds() -> None:
    async def work(r: Rig) -> None:
        await r.do(Action.STOP)
        assert r.earcons == ["key_press"]

    rig(work)


def test_pause_holds_the_very_place() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence == "Swallow it whole.")
        await r.do(Action.PAUSE)
        assert r.state is State.PAUSED
        assert not r.session.speaking
        position = r.sink.position
        await asyncio.sleep(60)
        assert r.sink.position == position
        started = r.session.speaker.owner.speaking
        await r.do(Action.RESUME)
        assert r.session.speaker.owner.speaking is started, (
            "it goes on in the middle of the sentence"
        )
        assert r.state is State.READING
        await r.until(lambda: r.sentence == "Do not chew it.")

    rig(work)


def test_pause_is_heard_through_by_answers_and_still_holds() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.PAUSE)
        assert "percent" in joined(await r.do(Action.WHERE_AM_I)) or "Page" in joined(r.said)
        await asyncio.sleep(20)
        assert r.state is State.PAUSED
        await r.do(Action.RESUME)
        assert r.state is State.READING

    rig(work)


def test_a_long_pause_becomes_idle_without_a_word() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.PAUSE)
        r.voice.asked.clear()
        await asyncio.sleep(LIMITS_S[State.PAUSED] + 1)
        assert r.state is State.IDLE
        assert r.said == []
        await r.do(Action.RESUME)
        assert r.state is State.READING

    rig(work)


def test_resume_after_the_end_begins_again() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.LAST)
        await r.until(lambda: r.state is State.IDLE)
        assert "From the beginning." in await r.do(Action.RESUME)
        await r.until(lambda: r.sentence == "Dosage")

    rig(work)


# Moving about


def test_moves_go_on_reading_from_there() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        for action, sentence in [
            (Action.NEXT_SENTENCE, "Take one tablet in the morning."),
            (Action.NEXT_PARAGRAPH, "Drink a glass of water."),
            (Action.NEXT_SECTION, "Side effects"),
            (Action.PREVIOUS_SENTENCE, "Take it after breakfast."),
            (Action.LAST, "Keep it out of the reach of children."),
            (Action.PREVIOUS_PARAGRAPH, "Storage"),
            (Action.PREVIOUS_SECTION, "Side effects"),
            (Action.FIRST, "Dosage"),
        ]:
            await r.session.do(intent(action))
            assert r.sentence == sentence, action
            assert r.state is State.READING

    rig(work)


def test_a_sentence_is_read_alone_where_reading_rests() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.STOP)
        await r.do(Action.NEXT_SENTENCE)
        await asyncio.sleep(20)
        assert r.state is State.IDLE
        assert r.sentence == "Take one tablet in the morning."
        assert "Swallow it whole." not in r.said
        assert "End of the page." not in r.said

    rig(work)


def test_words_are_said_one_by_one() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.STOP)
        assert await r.do(Action.NEXT_WORD) == ["Take"]
        assert await r.do(Action.NEXT_WORD) == ["one"]
        await r.do(Action.PREVIOUS_WORD)
        assert r.model.open is not None
        assert r.model.open.cursor.word == 1

    rig(work)


def test_the_word_that_is_heard_is_found_by_time() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence.startswith("Keep it out"))
        await asyncio.sleep(1.2)
        await r.do(Action.NEXT_WORD)
        assert r.state is State.PAUSED
        opened = r.model.open
        assert opened is not None
        word = opened.book.outline.word_at(opened.cursor)
        assert word is not None
        assert word.text in ("of", "the", "reach")

    rig(work)


@pytest.mark.parametrize(
    ("action", "told"),
    [
        (Action.PREVIOUS_SENTENCE, "This is the first sentence."),
        (Action.PREVIOUS_SECTION, "This is the first section."),
        (Action.PREVIOUS_PARAGRAPH, "This is the first paragraph."),
        (Action.PREVIOUS_PAGE, "This is the first page."),
        (Action.PREVIOUS_WORD, "This is the first word."),
        (Action.NEXT_PAGE, "This is the last page."),
    ],
)
def test_a_limit_is_heard_twice(action: Action, told: str) -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.STOP)
        assert await r.do(action) == [told]
        assert r.earcons == ["limit"]

    rig(work)


def test_pages_by_number() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.APPEND_PAGE)
        await r.until(lambda: r.model.work is None)
        await r.do(Action.GO_TO_PAGE, page=2)
        await r.until(lambda: r.sentence == "Manufacturer")
        await r.do(Action.PREVIOUS_PAGE)
        assert r.sentence == "Dosage"
        assert "There is no page nine." in await r.do(Action.GO_TO_PAGE, page=9)

    rig(work, LEAFLET, SECOND)


def test_find_and_find_again() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.FIND, word="keep it")
        assert r.sentence == "Keep it dry."
        await r.do(Action.FIND_NEXT)
        assert r.sentence == "Keep it out of the reach of children."
        assert "Found," in joined(await r.do(Action.FIND_NEXT)), "round the end, and said so"
        await r.do(Action.FIND_PREVIOUS)
        assert r.sentence == "Keep it out of the reach of children."
        assert "I did not find zebra." in await r.do(Action.FIND, word="zebra")
        assert "but Headache." in joined(await r.do(Action.FIND, word="headaches"))

    rig(work)


def test_sections_by_name() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SECTION, name="the side effects")
        assert r.sentence == "Side effects"
        await r.do(Action.SECTION, name="dose")
        assert r.sentence == "Dosage"
        assert "I found no part about pregnancy." in await r.do(Action.SECTION, name="pregnancy")

    rig(work)


def test_a_part_without_a_heading_is_announced_as_such() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        said = await r.do(Action.SECTION, name="storage")
        assert "There is no heading for storage." in said
        assert r.sentence == "Store below 25 degrees."

    rig(work, "Take it. Store below 25 degrees. Bye.")


def test_where_am_i() -> None:
    async def work(r: Rig) -> None:
        assert "No page is open." in await r.do(Action.WHERE_AM_I)
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SECTION, name="storage")
        assert "Section: Storage." in await r.do(Action.WHERE_AM_I)
        await asyncio.sleep(10)
        assert r.sentence.startswith("Keep it"), "reading goes on behind the answer"

    rig(work)


def test_headings_as_a_menu() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.LIST_SECTIONS)
        assert r.state is State.MENU
        await r.do(Action.MENU_NEXT)
        await r.do(Action.MENU_CHOOSE)
        assert r.sentence == "Side effects"
        assert r.state is State.READING

    rig(work)


# Repeat and spell


def test_repeat_says_the_sentence_again_or_the_one_before_when_it_just_began() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence == "Do not chew it.")
        await r.session.do(intent(Action.REPEAT))
        assert r.sentence == "Swallow it whole."
        await r.until(lambda: r.sentence == "Keep it out of the reach of children.")
        await asyncio.sleep(1.6)
        await r.session.do(intent(Action.REPEAT))
        assert r.sentence == "Keep it out of the reach of children."

    rig(work)


def test_repeat_says_an_answer_again() -> None:
    async def work(r: Rig) -> None:
        assert await r.do(Action.REPEAT) == ["There is nothing to repeat yet."]
        await r.do(Action.HELP)
        await asyncio.sleep(20)
        reply = r.model.reply
        await r.do(Action.REPEAT)
        assert r.session.speaking
        assert r.model.reply == reply

    rig(work)


def test_spelling_is_done_by_the_formant_voice() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.STOP)
        kinds = []
        stream = r.voice.stream

        def watched(utterance):  # type: ignore[no-untyped-def]
            kinds.append((utterance.text, utterance.kind))
            return stream(utterance)

        r.voice.stream = watched  # type: ignore[method-assign]
        await r.do(Action.SPELL_WORD)
        await asyncio.sleep(10)
        await r.do(Action.SPELL_WORD_PHONETIC)
        await asyncio.sleep(10)
        await r.do(Action.SPELL_SENTENCE)
        await asyncio.sleep(10)
        spelled = [text for text, kind in kinds if kind is VoiceKind.FORMANT]
        assert "capital D" in spelled[0]
        assert "capital delta, oscar, sierra" in spelled[1]
        assert len(spelled) == 3

    rig(work)


# The voice


def test_speed_changes_are_heard_and_reading_goes_on_with_them() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        assert "Faster." in await r.do(Action.FASTER)
        assert r.model.rate == 1.1
        await asyncio.sleep(3)
        assert r.state is State.READING
        assert r.session.speaking
        for _ in range(30):
            await r.session.do(intent(Action.SLOWER))
        assert r.model.rate == 0.5
        assert await r.do(Action.SLOWER) == [] or "slowest" in joined(r.said)
        assert "limit" in r.earcons

    rig(work)


def test_loudness_does_not_interrupt() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        speech = r.session.speaker.owner.speaking
        await r.do(Action.LOUDER)
        assert r.earcons == ["volume"]
        assert r.sink.volume == r.model.volume > 1.0
        assert r.session.speaker.owner.speaking is speech
        for _ in range(30):
            await r.session.do(intent(Action.SOFTER))
        assert r.model.volume == 0.1, "never silent"
        await r.do(Action.SOFTER)
        assert "limit" in r.earcons

    rig(work)


def test_quiet_mode_swallows_notices_and_hints_only() -> None:
    async def work(r: Rig) -> None:
        await r.do(Action.QUIET_MODE)
        await asyncio.sleep(10)
        r.voice.asked.clear()
        r.session.announce(SpeechClass.NOTICE, "Tea is ready.")
        r.session.announce(SpeechClass.HINT, "Try this.")
        await asyncio.sleep(5)
        assert r.said == []
        r.session.announce(SpeechClass.ALERT, "Fire.")
        await asyncio.sleep(1)
        assert r.said == ["Fire."]
        await r.do(Action.QUIET_MODE)
        assert not r.model.quiet

    rig(work)


# Keeping


def test_save_marks_and_places_reach_the_shelf() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.BOOKMARK)
        assert "done" in r.earcons
        assert "Saved as: Leaflet." in await r.do(Action.SAVE, title="Leaflet")
        await asyncio.sleep(5)
        assert r.shelf.kept[1].title == "Leaflet"
        assert r.shelf.kept[1].marks
        await r.do(Action.LAST)
        await r.do(Action.BOOKMARK)
        assert len(r.shelf.kept[1].marks) == 2
        await r.until(lambda: r.shelf.kept[1].cursor.word > 30)
        assert "saved already" in joined(await r.do(Action.SAVE))
        await r.do(Action.PREVIOUS_BOOKMARK)
        assert r.sentence in ("Dosage", "Take one tablet in the morning.")
        await r.do(Action.NEXT_BOOKMARK)
        assert r.sentence == "Keep it out of the reach of children."
        assert "There is no further mark." in await r.do(Action.NEXT_BOOKMARK)

    rig(work)


def test_a_saved_document_grows_on_the_shelf_too() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SAVE)
        await r.do(Action.APPEND_PAGE)
        await r.until(lambda: r.model.work is None)
        await asyncio.sleep(1)
        assert len(r.shelf.kept[1].document.pages) == 2

    rig(work, LEAFLET, SECOND)


def test_saved_documents_are_listed_as_a_menu_and_opened() -> None:
    async def work(r: Rig) -> None:
        assert "Nothing is saved yet." in await r.do(Action.LIST_SAVED)
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SECTION, name="side effects")
        await asyncio.sleep(1.0)
        await r.do(Action.SAVE, title="Leaflet")
        await r.do(Action.STOP)
        assert "One document is saved." in await r.do(Action.LIST_SAVED)
        assert r.state is State.MENU
        await r.do(Action.MENU_CHOOSE)
        assert r.state is State.READING
        assert r.model.open is not None
        assert r.model.open.title == "Leaflet"
        assert r.sentence in ("Side effects", "Headache is common.")

    rig(work)


def test_open_by_title_and_resume_last() -> None:
    async def work(r: Rig) -> None:
        assert "Nothing is saved yet." in await r.do(Action.RESUME_LAST)
        assert "I have no saved document by that name." in await r.do(Action.OPEN, title="tax")
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SAVE, title="Leaflet")
        await r.read()
        await r.do(Action.OPEN, title="leaflet")
        assert r.state is State.READING
        assert r.model.open is not None
        assert r.model.open.number == 1

    rig(work)


def test_delete_asks_first_and_does_nothing_by_itself() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        assert "not saved" in joined(await r.do(Action.DELETE))
        await r.do(Action.SAVE)
        for answer in (Action.NO, Action.MENU_CHOOSE, Action.STOP):
            assert "Delete Dosage?" in joined(await r.do(Action.DELETE)) or r.state is State.MENU
            assert "Nothing was deleted." in await r.do(answer) or not r.said
            assert r.shelf.kept
            assert r.state is State.READING, "and reading goes on"
        await r.do(Action.DELETE)
        await asyncio.sleep(LIMITS_S[State.MENU] + 10)
        assert r.state is not State.MENU
        assert r.shelf.kept
        await r.do(Action.DELETE)
        await r.do(Action.YES)
        assert not r.shelf.kept
        assert r.model.open is not None, "it stays open until the next page"
        assert not r.model.open.saved

    rig(work)


def test_a_full_card_is_told() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.shelf.error = DiskFull(path="library")
        assert "My memory is full." in await r.do(Action.SAVE)
        assert r.model.open is not None
        assert not r.model.open.saved
        assert "error" in r.earcons

    rig(work)


def test_recent_pages_are_kept_where_that_is_wanted() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: bool(r.shelf.kept))
        await asyncio.sleep(5)
        assert not r.shelf.kept[1].saved
        assert r.model.open is not None
        assert r.model.open.number == 1
        assert r.shelf.kept[1].cursor.word > 0

    rig(work, keep_recent=True)


def test_pictures_of_pages_are_kept_with_them_where_that_is_wanted() -> None:
    taken: list[Frame] = []

    def encode(frame: Frame) -> bytes:
        taken.append(frame)
        return b"picture %d" % len(taken)

    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.APPEND_PAGE)
        await r.until(lambda: len(taken) == 2 and r.model.work is None)
        await r.do(Action.SAVE)
        await r.until(lambda: bool(r.shelf.kept))
        assert r.shelf.kept[1].pictures == {0: b"picture 1", 1: b"picture 2"}
        await r.do(Action.STOP)
        await r.read()
        await r.until(lambda: r.model.work is None)
        await r.do(Action.SAVE)
        await r.until(lambda: len(r.shelf.kept) == 2)
        assert r.shelf.kept[2].pictures == {0: b"picture 3"}, "another document begins with page 0"

    letter = "# Letter\nYour appointment is on Monday. Please bring your card."
    rig(work, LEAFLET, SECOND, letter, encode_picture=encode)


def test_no_picture_is_kept_unless_that_is_wanted() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.do(Action.SAVE)
        await r.until(lambda: bool(r.shelf.kept))
        assert r.shelf.kept[1].pictures == {}

    rig(work)


# The device


def test_time_status_help() -> None:
    async def work(r: Rig) -> None:
        said = joined(await r.do(Action.TIME))
        clock_is_set = datetime.datetime.now().year >= 2026
        assert ("It is" in said) is clock_is_set
        assert "All is well." in await r.do(Action.STATUS)
        first = joined(await r.do(Action.HELP))
        await asyncio.sleep(20)
        await r.read()
        assert joined(await r.do(Action.HELP)) != first, "help is of this moment"

    rig(work)


def test_shutting_down_asks_and_says_goodbye_first() -> None:
    async def work(r: Rig) -> None:
        await r.do(Action.SHUT_DOWN)
        assert r.state is State.MENU
        await r.do(Action.MENU_NEXT)
        await r.do(Action.MENU_CHOOSE)
        assert r.powered_off == []
        assert "Goodbye." in r.said or "I am turning off." in r.said
        await r.until(lambda: r.powered_off == [True])
        await asyncio.sleep(0.5)
        assert "I could not turn off." in r.said, "and where that fails it says so"

    rig(work)


def test_the_menu_goes_round_and_closes_by_itself() -> None:
    async def work(r: Rig) -> None:
        assert await r.do(Action.MENU) == ["Menu.", "The document I read last."]
        labels = set()
        for _ in range(40):
            await r.do(Action.MENU_NEXT)
            labels.update(r.said)
            if "limit" in r.earcons:
                break
        assert {"The time.", "Turn off."} <= labels
        await r.do(Action.MENU_PREVIOUS)
        assert "limit" in r.earcons
        await asyncio.sleep(LIMITS_S[State.MENU] + 5)
        assert r.state is State.IDLE
        assert "Menu closed." in r.said

    rig(work)


def test_reading_goes_on_behind_a_menu() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence == "Swallow it whole.")
        await r.do(Action.MENU)
        assert r.state is State.MENU
        await asyncio.sleep(5)
        await r.do(Action.MENU_LEAVE)
        assert r.state is State.READING
        await r.until(lambda: r.sentence == "Do not chew it.")

    rig(work)


def test_a_page_that_is_ready_waits_behind_the_menu() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        await r.do(Action.MENU)
        await r.until(lambda: r.model.work is None)
        assert r.state is State.MENU
        await r.do(Action.MENU_LEAVE)
        assert r.state is State.READING
        await r.until(lambda: r.sentence == "Take one tablet in the morning.")

    rig(work)


def test_yes_and_no_without_a_question() -> None:
    async def work(r: Rig) -> None:
        assert await r.do(Action.YES) == ["I did not ask anything."]
        await r.do(Action.NO)
        assert r.session.speaking

    rig(work)


# What does not fit


@pytest.mark.parametrize(
    ("action", "arguments"),
    [
        (Action.NEXT_SENTENCE, {}),
        (Action.FIND, {"word": "x"}),
        (Action.SAVE, {}),
        (Action.SPELL_WORD, {}),
        (Action.PAUSE, {}),
        (Action.MENU_NEXT, {}),
    ],
)
def test_an_action_that_does_not_fit_is_refused_aloud(
    action: Action, arguments: dict[str, str]
) -> None:
    async def work(r: Rig) -> None:
        with pytest.raises(ActionUnfit):
            await r.session.do(intent(action, arguments))
        await asyncio.sleep(0.5)
        assert r.earcons == ["error"]
        assert r.said
        assert r.state is State.IDLE

    rig(work)


def test_while_a_page_is_worked_on_moves_are_refused() -> None:
    async def work(r: Rig) -> None:
        await r.session.do(intent(Action.READ))
        with pytest.raises(ActionUnfit):
            await r.session.do(intent(Action.NEXT_SENTENCE))
        assert r.state is State.FRAMING

    rig(work)


# Fingers


def test_a_touch_is_silence_and_its_gesture_knows_what_it_interrupted() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.session.press(Intent(Action.HUSH))
        assert r.earcons[-1] == "key_press"
        await asyncio.sleep(0.35)
        assert not r.session.speaking
        r.session.press(Intent(Action.ONE_BUTTON))
        assert r.state is State.IDLE, "it spoke, so a press is a stop and no new page"
        r.session.press(Intent(Action.HUSH))
        await asyncio.sleep(0.35)
        r.session.press(Intent(Action.ONE_BUTTON))
        assert r.state is State.FRAMING

    rig(work)


def test_a_touch_that_becomes_nothing_lets_reading_go_on() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.session.press(Intent(Action.HUSH))
        await asyncio.sleep(HUSH_S + 0.1)
        assert r.session.speaking
        assert r.state is State.READING

    rig(work)


def test_a_touch_before_a_move_or_a_question_does_not_silence_what_follows() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.model.work is None)
        for action in (
            Action.FORWARD,
            Action.WHERE_AM_I,
            Action.NEXT_SECTION,
            Action.PREVIOUS_PAGE,
        ):
            r.session.press(Intent(Action.HUSH))
            await asyncio.sleep(0.2)
            r.session.press(Intent(action))
            await asyncio.sleep(0.5)
            assert r.session.speaking, action
            await asyncio.sleep(6.0)
            assert r.session.speaking or r.state is State.IDLE, action

    rig(work)


def test_a_key_sounds_at_once_and_the_stop_does_not_swallow_it() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.session.press(Intent(Action.STOP))
        await asyncio.sleep(0.1)
        assert r.earcons[-1] == "key_press"
        assert r.sink._mixer.earcons.read > 0

    rig(work)


def test_a_new_reader_explains_itself_until_a_page_was_read() -> None:
    async def work(r: Rig) -> None:
        r.session.tell("welcome", SpeechClass.REPLY)
        await asyncio.sleep(1)
        assert r.said[0] == "Hello."
        await r.do(Action.HELP)
        assert r.model.reply[0] == say("welcome")
        await r.read()
        assert not r.model.new

    rig(work, model=Model(new=True))


def test_a_document_put_in_place_of_the_page_pauses_it() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        r.session.announce(SpeechClass.READING, "A letter from somewhere else.")
        await asyncio.sleep(0.5)
        assert r.state is State.PAUSED
        await r.do(Action.RESUME)
        assert r.state is State.READING

    rig(work)


def test_a_lost_loudspeaker_comes_back_in_the_same_sentence() -> None:
    async def work(r: Rig) -> None:
        await r.read()
        await r.until(lambda: r.sentence == "Do not chew it.")
        r.sink.vanish(absent=1)
        await asyncio.sleep(1)
        assert r.state is State.READING
        await r.until(lambda: r.sentence == "Drink a glass of water.")
        assert "ready" in r.earcons

    rig(work)


def test_all_sentences_render() -> None:
    for key, names in MESSAGES.slots().items():
        assert MESSAGES.say(key, dict.fromkeys(names, "x"))
