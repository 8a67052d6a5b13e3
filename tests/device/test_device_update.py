"""The update as its person hears it, with an installer that says and does what is wanted."""

import subprocess
import sys
from pathlib import Path

import pytest

from voxedge import errors
from voxedge.actions import State
from voxedge.cli.main import main
from voxedge.errors import VoxedgeError
from voxedge.speech.lines import SpeechClass
from voxedge.system import bundle, confirm, update
from voxedge.system.autoboot import Autoboot
from voxedge.system.confirm import confirm as judge
from voxedge.system.places import Places
from voxedge.system.reader_line import Line
from voxedge.system.slots import Phase, Slots, Start
from voxedge.system.update import Tools
from voxedge.testing.fake_card import FakeReader, FakeTime

SIGNED = b"hsqs and the rest of a bundle"

INFO = "RAUC_MF_COMPATIBLE='voxedge-pi4'\nRAUC_MF_VERSION='0.3.0'\nRAUC_MF_IMAGES=2"
INSTALLED = """installing
  0% Installing
 40% Verifying signature done.
 85% Copying image to rootfs.1
100% Installing done.
Installing `x.raucb` succeeded"""


class Card:
    """A card as a folder; ``running`` is the slot that the firmware says it started."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(
            autoboot=folder / "selector/autoboot.txt",
            slot_state=folder / "data/slots.json",
            cmdline=folder / "cmdline",
            device_tree=folder / "device-tree",
            rauc_config=folder / "system.conf",
            trial_signs=(folder / "module", folder / "vcio"),
        )
        (folder / "module").mkdir()
        self.places.autoboot.parent.mkdir()
        self.places.autoboot.write_text(Autoboot("A").text())
        self.places.rauc_config.write_text("[system]\ncompatible=voxedge-pi4\n")
        self.start("A")

    def start(self, slot: str) -> Slots:
        self.places.cmdline.write_text(f"root=PARTLABEL=ROOT_{slot}")
        return Slots(self.places)


@pytest.fixture
def card(tmp_path: Path) -> Card:
    return Card(tmp_path)


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader(voice=True, loudspeaker=True, camera=False, temperature=True)


def installer(tmp_path: Path, card: Card, *, info: str = INFO, info_code: int = 0,
              told: str = INSTALLED, code: int = 0) -> tuple[str, ...]:  # fmt: skip
    """A stand-in of the command ``rauc``; it calls the backend as RAUC does where it succeeds."""
    script = tmp_path / "rauc.py"
    script.write_text(
        f"""
import sys
from voxedge.system.places import Places
from voxedge.system.slots import Slots
from pathlib import Path
if sys.argv[1] == "info":
    print({info!r}, file=sys.stderr if {info_code} else sys.stdout)
    sys.exit({info_code})
print({told!r})
if {code} == 0:
    slots = Slots(Places(autoboot=Path({str(card.places.autoboot)!r}),
        slot_state=Path({str(card.places.slot_state)!r}),
        cmdline=Path({str(card.places.cmdline)!r}), device_tree=Path("/nonexistent")))
    slots.mark("B", good=False)
    slots.choose("B")
sys.exit({code})
"""
    )
    return (sys.executable, str(script))


def tools(
    card: Card, reader: FakeReader, rauc: tuple[str, ...], time: FakeTime | None = None
) -> Tools:
    time = time or FakeTime()
    line = Line(reader, time.clock, time.sleep)
    return Tools(card.places, Slots(card.places), line, rauc, restart=lambda: 0)


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    path = tmp_path / "new.raucb"
    path.write_bytes(SIGNED)
    return path


def test_an_update_is_installed_told_and_left_to_its_trial(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    printed: list[str] = []
    update.update(signed, tools(card, reader, installer(tmp_path, card)), printed.append)
    assert reader.said == [
        (SpeechClass.NOTICE, update.INSTALLING),
        (SpeechClass.ALERT, update.RESTARTING),
    ]
    assert " 85 % Copying image to rootfs.1" in printed
    assert "The signature is good: version 0.3.0 for voxedge-pi4." in printed
    note = Slots(card.places).note
    assert note.update is not None
    # What worked before must work after; this reader had no camera.
    assert (note.update.phase, note.update.expected) == (Phase.TRYING, ("voice", "loudspeaker"))
    assert Slots(card.places).committed == "A"


def test_a_kernel_that_cannot_try_is_told_before_anything_is_written(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    (tmp_path / "module").rmdir()
    with pytest.raises(errors.SlotsMissing, match="cannot start the other slot on trial"):
        update.update(signed, tools(card, reader, installer(tmp_path, card)), lambda _: None)
    assert not card.places.slot_state.exists()
    (tmp_path / "vcio").touch()
    update.update(signed, tools(card, reader, installer(tmp_path, card)), lambda _: None)
    assert Slots(card.places).primary() == "B"


@pytest.mark.parametrize(("capabilities", "taken"), [(0x8, False), (0xC, True), (None, True)])
def test_a_firmware_that_knows_no_trials_is_told_before_anything_is_written(
    tmp_path: Path,
    card: Card,
    reader: FakeReader,
    signed: Path,
    capabilities: int | None,
    taken: bool,
) -> None:
    """Bit 2 of what the firmware says it can do; a firmware that says nothing is tried."""
    if capabilities is not None:
        node = card.places.device_tree / "chosen/bootloader/capabilities"
        node.parent.mkdir(parents=True)
        node.write_bytes(capabilities.to_bytes(4, "big"))
    doing = tools(card, reader, installer(tmp_path, card))
    if taken:
        update.update(signed, doing, lambda _: None)
        assert Slots(card.places).primary() == "B"
        return
    with pytest.raises(errors.SlotsMissing, match="2022-11-25"):
        update.update(signed, doing, lambda _: None)
    assert not card.places.slot_state.exists()


def test_nobody_is_interrupted_while_reading(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    reader.speaking, reader.state = True, State.READING

    def end_of_page(now_s: float) -> None:
        if now_s > 40:
            reader.speaking, reader.state = False, State.IDLE

    time = FakeTime(end_of_page)
    update.update(
        signed, tools(card, reader, installer(tmp_path, card), time), lambda _: None
    )  # fmt: skip
    assert reader.texts == [update.INSTALLING, update.WAITING, update.RESTARTING]
    assert time.now_s > 40


def test_what_it_says_itself_is_no_reading(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    """A quick installation: "I am installing an update" still sounds."""
    reader.speaking = True
    update.update(signed, tools(card, reader, installer(tmp_path, card)), lambda _: None)
    assert reader.texts == [update.INSTALLING, update.RESTARTING]


def test_without_a_reader_it_is_updated_in_silence(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    reader.up = False
    update.update(signed, tools(card, reader, installer(tmp_path, card)), lambda _: None)
    assert reader.said == []
    assert Slots(card.places).primary() == "B"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("Invalid bundle format: Signature size is 0", errors.UpdateUnsigned),
        (
            "signature verification failed: Verify error: unable to get local issuer certificate",
            errors.UpdateUntrusted,
        ),
        ("No keyring file or directory provided", errors.UpdateUntrusted),
        (
            "Invalid bundle format: Signature size (165) exceeds bundle size",
            errors.UpdateCorrupt,
        ),
        (
            "signature verification failed: error:1700009E:CMS routines::verification failure\n"
            "805F:error:1700006D:CMS routines:CMS_verify:content verify error:cms_smime.c:462:",
            errors.UpdateCorrupt,
        ),
        ("Bundle format 'plain' not allowed", errors.UpdateCorrupt),
        ("", errors.UpdateFailed),
    ],
)
def test_a_bundle_that_is_not_to_be_trusted_is_refused_aloud(
    tmp_path: Path,
    card: Card,
    reader: FakeReader,
    signed: Path,
    told: str,
    kind: type[VoxedgeError],
) -> None:
    rauc = installer(tmp_path, card, info=told, info_code=1)
    with pytest.raises(kind) as caught:
        update.update(signed, tools(card, reader, rauc), lambda _: None)
    assert reader.said == [(SpeechClass.REPLY, caught.value.speech)]
    assert caught.value.exit_code == 22
    assert not card.places.slot_state.exists(), "nothing may be begun"


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        # Seen with 1.8 and 1.13.
        (
            "LastError: Installation error: Failed updating slot rootfs.1: "
            "Slot (1048576 bytes) is too small for image (16777216 bytes).",
            errors.UpdateTooLarge,
        ),
        ("LastError: Failed to copy: No space left on device", errors.UpdateTooLarge),
        ("LastError: Failed mounting bundle: Input/output error", errors.UpdateCorrupt),
        (
            "LastError: Compatible mismatch: Expected 'a' but bundle manifest has 'b'",
            errors.UpdateUnfit,
        ),
        ("Error: Message recipient disconnected", errors.UpdateInterrupted),
        ("LastError: Failed marking slot", errors.UpdateFailed),
        ("", errors.UpdateFailed),
    ],
)
def test_an_installer_that_fails_leaves_the_old_system(
    tmp_path: Path,
    card: Card,
    reader: FakeReader,
    signed: Path,
    told: str,
    kind: type[VoxedgeError],
) -> None:
    rauc = installer(tmp_path, card, told=f"installing\n{told}", code=1)
    with pytest.raises(kind) as caught:
        update.update(signed, tools(card, reader, rauc), lambda _: None)
    assert reader.texts == [update.INSTALLING, caught.value.speech]
    slots = Slots(card.places)
    assert slots.committed == "A"
    assert not slots.is_good("B")


def test_a_bundle_for_another_device_is_refused(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    rauc = installer(tmp_path, card, info=INFO.replace("voxedge-pi4", "toaster"))
    with pytest.raises(
        errors.UpdateUnfit, match="made for 'toaster'; this device is 'voxedge-pi4'"
    ):
        update.update(signed, tools(card, reader, rauc), lambda _: None)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (None, errors.InputMissing),
        (b"", errors.UpdateCorrupt),
        (b"PK\x03\x04 a zip", errors.UpdateCorrupt),
    ],
)
def test_what_is_no_bundle_never_reaches_the_installer(
    tmp_path: Path, content: bytes | None, kind: type[VoxedgeError]
) -> None:
    path = tmp_path / "x.raucb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind):
        bundle.inspect(path, ("/nonexistent/rauc",))


def test_a_folder_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(errors.InputIsDirectory):
        bundle.inspect(tmp_path)


def test_a_missing_installer_is_told(signed: Path) -> None:
    with pytest.raises(errors.SlotsMissing):
        bundle.inspect(signed, ("/nonexistent/rauc",))
    with pytest.raises(errors.SlotsMissing):
        bundle.install(signed, lambda *_: None, ("/nonexistent/rauc",))


def test_an_installer_that_says_nothing_is_ended(
    signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "TICK_S", 0.01)
    monkeypatch.setattr(bundle, "SILENCE_LIMIT_S", 0.05)
    ticks: list[int | None] = []
    hangs = (sys.executable, "-c", "import time; time.sleep(60)")
    with pytest.raises(errors.UpdateInterrupted, match="hangs"):
        bundle.install(signed, lambda percent, _: ticks.append(percent), hangs)
    assert ticks
    assert set(ticks) == {None}


def test_a_long_installation_is_not_silent(card: Card, reader: FakeReader) -> None:
    time = FakeTime()
    progress = update._Progress(Line(reader, time.clock, time.sleep), lambda _: None)
    for _ in range(150):
        time.now_s += 1
        progress(None, "")
    assert reader.texts == [update.STILL_INSTALLING] * 2


def test_stopped_by_hand_it_says_so(
    card: Card, reader: FakeReader, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundle, "install", interrupted)
    monkeypatch.setattr(bundle, "inspect", lambda path, _: bundle.Bundle(path, "voxedge-pi4", "1"))
    with pytest.raises(errors.UpdateInterrupted):
        update.update(signed, tools(card, reader, ()), lambda _: None)
    assert card.start("A").after_start() is Start.INTERRUPTED


def test_a_restart_that_is_refused_is_told(
    tmp_path: Path, card: Card, reader: FakeReader, signed: Path
) -> None:
    good = tools(card, reader, installer(tmp_path, card))
    refused = Tools(good.places, good.slots, good.line, good.rauc, restart=lambda: 1)
    with pytest.raises(errors.UpdateFailed):
        update.update(signed, refused, lambda _: None)
    assert reader.texts[-1] == errors.UpdateFailed(reason="").speech


def test_the_command_says_where_there_are_no_slots(
    signed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["update", str(signed)]) == errors.SlotsMissing.exit_code
    assert "cannot be updated by slots" in capsys.readouterr().err


# -- the start after it ----------------------------------------------------------------------


@pytest.fixture
def on_trial(tmp_path: Path, card: Card, reader: FakeReader, signed: Path) -> Card:
    """A card whose new system was started on trial, with voice and loudspeaker expected."""
    update.update(signed, tools(card, reader, installer(tmp_path, card)), lambda _: None)
    reader.said.clear()
    card.start("B")
    return card


def judged(card: Card, reader: FakeReader, time: FakeTime) -> tuple[Start, int]:
    """Judge a start; return what it was and how often the device was started anew."""
    restarted = 0

    def restart() -> int:
        nonlocal restarted
        restarted += 1
        return 0

    start = judge(Slots(card.places), Line(reader, time.clock, time.sleep), restart)
    return start, restarted


def test_a_healthy_system_is_kept_and_says_so(on_trial: Card, reader: FakeReader) -> None:
    time = FakeTime()
    assert judged(on_trial, reader, time) == (Start.TRIAL, 0)
    assert reader.texts == ["I have been updated."]
    assert Slots(on_trial.places).committed == "B"
    assert time.now_s >= confirm.STEADY_S
    # The next start is one like any other.
    assert judged(on_trial, reader, FakeTime()) == (Start.ORDINARY, 0)
    assert reader.texts == ["I have been updated."]


def test_a_slow_start_is_waited_for(on_trial: Card, reader: FakeReader) -> None:
    reader.up = False

    def come_up(now_s: float) -> None:
        reader.up = now_s > 200

    assert judged(on_trial, reader, FakeTime(come_up)) == (Start.TRIAL, 0)
    assert Slots(on_trial.places).committed == "B"


@pytest.mark.parametrize("trouble", ["never up", "keeps dying", "no voice", "voice unheard of"])
def test_a_system_that_is_not_well_goes_back(
    on_trial: Card, reader: FakeReader, trouble: str
) -> None:
    def live(now_s: float) -> None:
        if trouble == "keeps dying":
            reader.up = now_s % 20 > 2

    reader.up = trouble != "never up"
    if trouble == "no voice":
        reader.health["voice"] = False
    if trouble == "voice unheard of":
        del reader.health["voice"]
    assert judged(on_trial, reader, FakeTime(live)) == (Start.TRIAL, 1)
    assert Slots(on_trial.places).committed == "A"
    if reader.up:
        assert reader.said[-1] == (SpeechClass.ALERT, confirm.GOING_BACK)
    # The firmware has started the old slot; the old reader says what happened, once.
    on_trial.start("A")
    reader.up = True
    reader.said.clear()
    assert judged(on_trial, reader, FakeTime())[0] is Start.FELL_BACK
    assert judged(on_trial, reader, FakeTime())[0] is Start.ORDINARY
    # An alert: a notice that has to wait gives way to the next one.
    sentence = "The update did not work. I am the reader of before."
    assert reader.said == [(SpeechClass.ALERT, sentence)]


def test_a_camera_that_was_never_there_does_not_fail_a_trial(
    on_trial: Card, reader: FakeReader
) -> None:
    reader.health |= {"camera": False, "temperature": False}
    assert judged(on_trial, reader, FakeTime()) == (Start.TRIAL, 0)
    assert Slots(on_trial.places).committed == "B"


def test_what_could_not_be_told_is_told_at_the_next_start(
    on_trial: Card, reader: FakeReader
) -> None:
    on_trial.start("A")
    reader.up = False
    assert judged(on_trial, reader, FakeTime())[0] is Start.FELL_BACK
    reader.up = True
    assert judged(on_trial, reader, FakeTime())[0] is Start.FELL_BACK
    assert reader.texts == [confirm.FELL_BACK]


def test_power_lost_while_installing_is_told(card: Card, reader: FakeReader) -> None:
    Slots(card.places).begin(())
    assert judged(card, reader, FakeTime())[0] is Start.INTERRUPTED
    assert reader.texts == [confirm.INTERRUPTED]
    assert judged(card, reader, FakeTime())[0] is Start.ORDINARY


def test_a_damaged_selector_is_repaired_for_a_healthy_system(
    card: Card, reader: FakeReader
) -> None:
    card.places.autoboot.write_bytes(b"\0" * 80)
    judged(card, reader, FakeTime())
    assert Slots(card.places).committed == "A"


def test_without_slots_there_is_nothing_to_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(confirm, "SETTLED", tmp_path / "settled")
    assert confirm.main() == 0
    assert (tmp_path / "settled").exists()


# -- the guard -------------------------------------------------------------------------------

GUARD = Path(__file__).parents[2] / "image-build/overlay/usr/lib/voxedge/trial-guard"


@pytest.mark.parametrize(
    ("tryboot", "settled", "goes_back"),
    [
        (b"\0\0\0\1", False, True),
        (b"\0\0\0\1", True, False),
        (b"\0\0\0\0", False, False),
        (None, False, False),
    ],
)
def test_the_guard_goes_back_from_an_unjudged_trial_only(
    tmp_path: Path, tryboot: bytes | None, settled: bool, goes_back: bool
) -> None:
    flag = tmp_path / "device-tree/chosen/bootloader/tryboot"
    if tryboot is not None:
        flag.parent.mkdir(parents=True)
        flag.write_bytes(tryboot)
    if settled:
        (tmp_path / "settled").touch()
    done = subprocess.run(
        ["sh", str(GUARD)],
        env={
            "PATH": "/usr/bin:/bin",
            "VOXEDGE_TRIAL_SETTLED": str(tmp_path / "settled"),
            "VOXEDGE_DEVICE_TREE": str(tmp_path / "device-tree"),
            "VOXEDGE_REBOOT": "echo back",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert (done.stdout == "back\n") is goes_back
