"""Two slots on a card that may lose its power at any step: it always starts, and knows what."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.errors import SlotsDamaged, SlotsMissing, UpdateFailed, UpdateUnconfirmed
from voxedge.system.autoboot import Autoboot, other, parse_autoboot
from voxedge.system.bootloader import main as bootloader
from voxedge.system.places import Places
from voxedge.system.slots import Note, Phase, Slots, Start, Update, parse_note
from voxedge.testing.fake_card import FakeCard, Files, PowerCut


def places_running(tmp_path: Path, slot: str) -> Places:
    """The files that tell which slot runs; the rest is on a fake card."""
    folder = tmp_path / slot
    partition = folder / "device-tree/chosen/bootloader/partition"
    if not partition.exists():
        partition.parent.mkdir(parents=True)
        partition.write_bytes((2 if slot == "A" else 3).to_bytes(4, "big"))
    return Places(
        autoboot=Path("/boot/selector/autoboot.txt"),
        slot_state=Path("/data/device/slots.json"),
        cmdline=folder / "cmdline",
        device_tree=folder / "device-tree",
    )


def fresh_card() -> Files:
    return {Path("/boot/selector/autoboot.txt"): Autoboot("A").text().encode()}


def test_the_file_is_the_one_that_the_firmware_documents() -> None:
    assert Autoboot("A").text() == (
        "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n"
    )


def test_switching_changes_no_length_and_fits_a_sector() -> None:
    a, b = Autoboot("A").text(), Autoboot("B").text()
    assert len(a) == len(b) <= 512
    assert a != b


@pytest.mark.parametrize("slot", ["A", "B"])
def test_what_is_written_is_read(slot: str) -> None:
    assert parse_autoboot(Autoboot(slot).text()) == Autoboot(slot)
    with_noise = "# by hand\r\n" + Autoboot(slot).text().replace("\n", "\r\n\r\n")
    assert parse_autoboot(with_noise) == Autoboot(slot)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n",
        "[all]\ntryboot_a_b=1\nboot_partition=2\n",
        "[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=2\n",
        "[all]\ntryboot_a_b=1\nboot_partition=1\n[tryboot]\nboot_partition=3\n",
        "[all]\ntryboot_a_b=1\nboot_partition\n[tryboot]\nboot_partition=3\n",
    ],
)
def test_a_file_that_does_not_choose_is_damaged(text: str) -> None:
    with pytest.raises(SlotsDamaged):
        parse_autoboot(text)


@given(st.text())
def test_no_text_does_worse_than_being_damaged(text: str) -> None:
    try:
        assert parse_autoboot(text).committed in ("A", "B")
    except SlotsDamaged as error:
        assert str(error)


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(
    lambda value: json.dumps(value).encode()))  # fmt: skip
def test_a_note_of_nonsense_is_an_empty_note(data: bytes) -> None:
    assert parse_note(data) == Note()


def test_a_note_is_read_as_it_was_written() -> None:
    note = Note({"A": True, "B": False}, Update("B", Phase.TRYING, ("voice", "camera")))
    assert parse_note(note.to_json()) == note


@pytest.mark.parametrize(
    ("cmdline", "slot"),
    [
        ("console=tty1 root=PARTLABEL=ROOT_A ro", "A"),
        ("root=PARTLABEL=ROOT_B ro", "B"),
        ("root=/dev/mmcblk0p5 rauc.slot=B", "B"),
    ],
)
def test_without_firmware_the_kernel_command_line_tells_the_slot(
    tmp_path: Path, cmdline: str, slot: str
) -> None:
    (tmp_path / "cmdline").write_text(cmdline)
    places = Places(cmdline=tmp_path / "cmdline", device_tree=tmp_path / "none")
    assert Slots(places).current == slot


def test_the_firmware_is_believed_before_the_command_line(tmp_path: Path) -> None:
    places = places_running(tmp_path, "B")
    places.cmdline.write_text("root=PARTLABEL=ROOT_A")
    assert Slots(places).current == "B"


def test_a_system_without_slots_is_told_so(tmp_path: Path) -> None:
    nowhere = Places(
        autoboot=tmp_path / "none", cmdline=tmp_path / "none", device_tree=tmp_path / "none"
    )
    with pytest.raises(SlotsMissing):
        _ = Slots(nowhere).current
    with pytest.raises(SlotsMissing):
        _ = Slots(nowhere).committed


# -- a whole update, and the power going at every step of it ---------------------------------


def old_system(slots: Slots) -> Iterator[None]:
    """What happens in the present system; RAUC's calls are those it makes (seen with 1.8)."""
    slots.begin(("voice",))
    yield
    slots.mark("B", good=False)
    yield
    slots.choose("B")
    yield
    slots.trying()
    yield


def new_system(slots: Slots) -> Iterator[None]:
    slots.mark("B", good=True)
    yield


Part = Callable[[Slots], Iterator[None]]


def run_until_cut(card: FakeCard, places: Places, part: Part) -> int | None:
    """Carry out a part; return after how many calls the power went, or None."""
    calls = 0
    try:
        for _ in part(Slots(places, card)):
            calls += 1
    except PowerCut:
        return calls
    return None


def every_cut(files: Files, places: Places, part: Part) -> Iterator[tuple[int | None, Files]]:
    """Yield, for every step at which the power may go, everything that may then be on the card."""
    whole = FakeCard(files)
    assert run_until_cut(whole, places, part) is None
    for steps in range(whole.steps_done + 1):
        card = FakeCard(files, steps)
        calls = run_until_cut(card, places, part)
        for state in card.after_cut():
            yield calls, state


def card_before_trial(tmp_path: Path) -> Files:
    card = FakeCard(fresh_card())
    assert run_until_cut(card, places_running(tmp_path, "A"), old_system) is None
    (files,) = card.after_cut()
    return files


def test_until_the_trial_is_passed_every_ordinary_start_takes_the_old_slot(tmp_path: Path) -> None:
    places = places_running(tmp_path, "A")
    seen = set()
    for calls, files in every_cut(fresh_card(), places, old_system):
        slots = Slots(places, FakeCard(files))
        assert slots.committed == "A"
        assert slots.after_start() in (Start.ORDINARY, Start.INTERRUPTED, Start.FELL_BACK)
        seen.add((calls, slots.after_start()))
    # Nothing yet; half installed; installed and not tried; about to be tried.
    assert (0, Start.ORDINARY) in seen
    assert (2, Start.INTERRUPTED) in seen
    assert (3, Start.INTERRUPTED) in seen
    assert (None, Start.FELL_BACK) in seen


def test_a_cut_while_committing_leaves_one_of_two_good_slots(tmp_path: Path) -> None:
    seen = set()
    for _, files in every_cut(
        card_before_trial(tmp_path), places_running(tmp_path, "B"), new_system
    ):
        committed = Slots(places_running(tmp_path, "B"), FakeCard(files)).committed
        started = Slots(places_running(tmp_path, committed), FakeCard(files))
        # Both slots are whole here; what starts knows what it is.
        assert (
            started.after_start()
            in {
                "A": {Start.FELL_BACK},
                "B": {Start.UPDATED, Start.ORDINARY},
            }[committed]
        )
        seen.add((committed, started.after_start()))
    assert seen == {("A", Start.FELL_BACK), ("B", Start.UPDATED), ("B", Start.ORDINARY)}


def test_after_every_cut_the_next_update_goes_through(tmp_path: Path) -> None:
    a = places_running(tmp_path, "A")
    for _, files in every_cut(fresh_card(), a, old_system):
        card = FakeCard(files)
        assert run_until_cut(card, a, old_system) is None
        b = Slots(places_running(tmp_path, "B"), card)
        assert b.after_start() is Start.TRIAL
        b.mark("B", good=True)
        assert b.committed == "B"
        assert b.after_start() is Start.ORDINARY


def test_the_next_update_goes_the_other_way(tmp_path: Path) -> None:
    card = FakeCard(card_before_trial(tmp_path))
    slots = Slots(places_running(tmp_path, "B"), card)
    slots.mark("B", good=True)
    assert slots.begin(()) == "A"
    slots.mark("A", good=False)
    slots.choose("A")
    assert slots.primary() == "A"
    assert slots.committed == "B"


def test_a_system_on_trial_takes_no_update(tmp_path: Path) -> None:
    # RAUC would write over the slot that the firmware falls back to.
    slots = Slots(places_running(tmp_path, "B"), FakeCard(card_before_trial(tmp_path)))
    with pytest.raises(UpdateUnconfirmed):
        slots.begin(())
    with pytest.raises(UpdateFailed):
        slots.mark("A", good=False)


def test_nothing_is_tried_that_was_not_installed(tmp_path: Path) -> None:
    slots = Slots(places_running(tmp_path, "A"), FakeCard(fresh_card()))
    with pytest.raises(UpdateFailed):
        slots.trying()
    slots.begin(())
    with pytest.raises(UpdateFailed):
        slots.trying()


def test_choosing_the_present_slot_calls_the_trial_off(tmp_path: Path) -> None:
    slots = Slots(places_running(tmp_path, "A"), FakeCard(card_before_trial(tmp_path)))
    slots.choose("A")
    assert slots.primary() == "A"
    assert slots.after_start() is Start.ORDINARY


def test_a_damaged_autoboot_is_written_anew_for_what_runs(tmp_path: Path) -> None:
    for content in (b"", b"\xff" * 600, b"[all]\nboot_partition=7\n"):
        card = FakeCard({Path("/boot/selector/autoboot.txt"): content})
        slots = Slots(places_running(tmp_path, "B"), card)
        with pytest.raises(SlotsDamaged):
            _ = slots.committed
        slots.repair()
        assert slots.committed == "B"


def test_an_ordinary_start_writes_nothing(tmp_path: Path) -> None:
    slots = Slots(places_running(tmp_path, "A"), card := FakeCard(fresh_card()))
    slots.mark("A", good=True)
    done = card.steps_done
    slots.mark("A", good=True)
    assert card.steps_done == done


# -- the real file system, and RAUC's words --------------------------------------------------


def real_card(tmp_path: Path, running: str = "A") -> Slots:
    places = places_running(tmp_path, running)
    folder = tmp_path / "card"
    folder.mkdir(exist_ok=True)
    real = Places(
        autoboot=folder / "autoboot.txt",
        slot_state=folder / "data/slots.json",
        cmdline=places.cmdline,
        device_tree=places.device_tree,
    )
    if not real.autoboot.exists():
        real.autoboot.write_text(Autoboot("A").text())
    return Slots(real)


def ask(capsys: pytest.CaptureFixture[str], slots: Slots, *words: str) -> tuple[int, str]:
    code = bootloader(words, slots)
    return code, capsys.readouterr().out.strip()


def test_rauc_gets_its_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = real_card(tmp_path)
    assert ask(capsys, old, "get-primary") == (0, "A")
    assert ask(capsys, old, "get-current") == (0, "A")
    assert ask(capsys, old, "get-state", "A") == (0, "good")
    assert ask(capsys, old, "get-state", "B") == (0, "bad")
    assert ask(capsys, old, "set-state", "B", "bad") == (0, "")
    assert ask(capsys, old, "set-primary", "B") == (0, "")
    assert ask(capsys, old, "get-primary") == (0, "B")
    assert ask(capsys, old, "get-state", "B") == (0, "good")
    new = real_card(tmp_path, "B")
    assert ask(capsys, new, "set-state", "B", "good") == (0, "")
    assert "boot_partition=3\n[tryboot]" in (tmp_path / "card/autoboot.txt").read_text()
    assert not list((tmp_path / "card").rglob("*.new"))


@pytest.mark.parametrize(
    "words",
    [(), ("get-state",), ("get-state", "C"), ("set-state", "B", "ugly"), ("set-primary", "../A")],
)
def test_what_rauc_would_not_ask_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert bootloader(words, real_card(tmp_path)) == 1
    assert "not a call of RAUC" in capsys.readouterr().err


def test_a_card_that_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(FakeCard):
        def create(self, path: Path, data: bytes, mode: int) -> None:
            raise OSError(28, "No space left on device")

    slots = Slots(places_running(tmp_path, "A"), Full(fresh_card()))
    assert bootloader(("set-primary", "B"), slots) == 1
    assert "No space left" in capsys.readouterr().err
    assert slots.committed == "A"


def test_there_are_two_slots() -> None:
    assert (other("A"), other("B")) == ("B", "A")
