"""Sticks as folders: what is right is taken and told, what is wrong is refused aloud."""

import base64
import configparser
import contextlib
import os
import re
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxedge.errors import StickRefused, UpdateUntrusted
from voxedge.system.places import Places
from voxedge.system.provisioning import plug
from voxedge.system.provisioning.fit import ask_doctor, misfit
from voxedge.system.provisioning.keys import parse_keys
from voxedge.system.provisioning.plug import Hands, use
from voxedge.system.provisioning.stick import KEYS, SETTINGS, WIFI, names_on, read_text
from voxedge.system.provisioning.take import (
    KEYS_OFF,
    KEYS_TAKEN,
    SETTINGS_TAKEN,
    WIFI_OFF,
    WIFI_TAKEN,
    take,
)
from voxedge.system.provisioning.wifi import Network, parse_wifi, supplicant_conf
from voxedge.system.reader_line import Line
from voxedge.system.storage import Disk
from voxedge.testing.fake_card import FakeCard, FakeReader, FakeTime, PowerCut

OVERLAY = Path(__file__).parents[2] / "image-build/overlay"


def public_key(kind: str = "ssh-ed25519") -> str:
    name = kind.encode()
    body = len(name).to_bytes(4, "big") + name + (32).to_bytes(4, "big") + bytes(range(40))
    return f"{kind} {base64.b64encode(body).decode()} anna@home"


@dataclass
class Bench:
    """A stick and a device, as folders."""

    stick: Path
    places: Places
    reader: FakeReader = field(default_factory=FakeReader)
    restarted: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)

    def plug_in(self) -> list[str]:
        """Plug the stick in; return what was said."""
        time = FakeTime()
        self.reader.said.clear()
        hands = Hands(
            self.places,
            Disk(),
            Line(self.reader, time.clock, time.sleep),
            self.restarted.append,
            lambda path: self.updated.append(path.name),
        )
        use(self.stick, hands)
        return self.reader.texts

    def put(self, name: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        (self.stick / name).write_bytes(data)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    stick = tmp_path / "stick"
    stick.mkdir()
    data = tmp_path / "data"
    return Bench(
        stick, Places(device=data / "device", settings=data / "settings/voxedge.toml")
    )  # fmt: skip


# -- what is right ---------------------------------------------------------------------------


def test_everything_is_taken_and_told_in_one_breath(bench: Bench) -> None:
    bench.put("voxedge.toml", "[voice]\nrate = 1.2\n")
    bench.put("wifi.txt", "network: The Smiths\npassword: correct horse\ncountry: gb\n")
    bench.put("authorized_keys", public_key() + "\n")
    assert bench.plug_in() == [f"{SETTINGS_TAKEN} {WIFI_TAKEN} {KEYS_TAKEN}"]
    assert bench.places.settings.read_text() == "[voice]\nrate = 1.2\n"
    assert bench.restarted == ["voxedge.service", "voxedge-wifi.service", "voxedge-ssh.service"]


def test_the_reader_can_read_its_settings_and_nobody_else_the_secrets(bench: Bench) -> None:
    bench.put("voxedge.toml", "")
    bench.put("wifi.txt", "network=x\npassword=12345678\ncountry=FR")
    bench.put("voxedge.toml", "[voice]\nrate = 1.1\n")
    bench.plug_in()
    assert bench.places.settings.stat().st_mode & 0o777 == 0o644
    secret = bench.places.device / "wpa_supplicant.conf"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_what_was_taken_already_is_passed_over_in_silence(bench: Bench) -> None:
    bench.put("voxedge.toml", "[voice]\nrate = 1.2\n")
    assert bench.plug_in() == [SETTINGS_TAKEN]
    assert bench.plug_in() == []
    assert bench.restarted == ["voxedge.service"]


def test_a_stick_of_holiday_pictures_says_nothing(bench: Bench) -> None:
    bench.put("IMG_0001.JPG", b"\xff\xd8")
    assert bench.plug_in() == []


@pytest.mark.parametrize("name", ["VOXEDGE.TOML", "Voxedge.toml"])
def test_the_case_of_a_name_does_not_matter(bench: Bench, name: str) -> None:
    bench.put(name, "[voice]\nrate = 1.2\n")
    assert bench.plug_in() == [SETTINGS_TAKEN]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_a_windows_editor_is_read(bench: Bench, encoding: str) -> None:
    text = "network: Café\r\npassword: 12345678\r\ncountry: FR\r\n"
    bench.put("wifi.txt", text.encode(encoding))
    assert bench.plug_in() == [WIFI_TAKEN]
    written = (bench.places.device / "wpa_supplicant.conf").read_text()
    assert f"ssid={'Café'.encode().hex()}" in written


def test_empty_files_switch_off_what_was_on(bench: Bench) -> None:
    bench.put("wifi.txt", "network=x\npassword=12345678\ncountry=FR")
    bench.put("authorized_keys", public_key())
    bench.plug_in()
    bench.put("wifi.txt", "# no more\n")
    bench.put("authorized_keys", "")
    assert bench.plug_in() == [f"{WIFI_OFF} {KEYS_OFF}"]
    # The units' conditions: a file that is empty is none.
    assert (bench.places.device / "authorized_keys").read_bytes() == b""
    assert (bench.places.device / "wpa_supplicant.conf").read_bytes() == b""


def test_empty_files_on_a_new_device_change_nothing(bench: Bench) -> None:
    bench.put("wifi.txt", "")
    bench.put("authorized_keys", "")
    assert bench.plug_in() == []
    assert not bench.places.device.exists()


# -- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("[voice]\nspeed = 2\n", "line 2: unknown key speed in voice"),
        ("\n[vioce]\n", "line 2: unknown table vioce"),
        ("[voice]\nrate = 9\n", "line 2: voice rate must be at most 3.0"),
        ('[voice]\nrate = "fast"\n', "line 2: voice rate must be a number"),
        ('[buttons]\npins = "big=99"\n', "GPIO numbers go from 0 to 27"),
        ("[voice\n", "not valid TOML"),
    ],
)
def test_broken_settings_are_refused_with_their_line_and_the_old_ones_kept(
    bench: Bench, text: str, heard: str
) -> None:
    bench.put("voxedge.toml", "[voice]\nrate = 1.2\n")
    bench.plug_in()
    bench.put("voxedge.toml", text)
    (said,) = bench.plug_in()
    assert said.startswith("I did not take the settings from the stick, because of a mistake, ")
    assert heard in said
    assert not re.search(r"[][{}'\"/_=]", said), "not a sentence for the ear"
    assert bench.places.settings.read_text() == "[voice]\nrate = 1.2\n"
    assert bench.restarted == ["voxedge.service"]


@given(st.text(max_size=200))
def test_a_mistake_is_always_a_sentence(text: str) -> None:
    from voxedge.system.provisioning import take as module

    try:
        assert module._settings(text)[0] == text
    except StickRefused as error:
        assert error.speech.endswith("Nothing was changed there.")
        assert len(error.speech) < 400


def test_one_bad_file_does_not_spoil_the_others(bench: Bench) -> None:
    bench.put("voxedge.toml", b"\x00\x01\x02")
    bench.put("wifi.txt", "network=x\npassword=12345678\ncountry=FR")
    (said,) = bench.plug_in()
    assert "I did not take the settings from the stick, because it is not a text." in said
    assert said.endswith(WIFI_TAKEN)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("voxedge.toml", b"\xff\xfe\x00"),
        ("voxedge.toml", os.urandom(2000)),
        ("wifi.txt", b"network=\x00\npassword=12345678\ncountry=FR"),
        ("authorized_keys", b"\x7fELF" + bytes(100)),
    ],
)
def test_binary_rubbish_is_no_text(bench: Bench, name: str, content: bytes) -> None:
    bench.put(name, content)
    (said,) = bench.plug_in()
    assert "it is not a text" in said
    assert not bench.places.settings.exists()


@pytest.mark.parametrize("wanted", [SETTINGS, WIFI, KEYS], ids=lambda wanted: wanted.name)
def test_a_huge_file_is_refused_without_being_read(bench: Bench, wanted: object) -> None:
    with (bench.stick / wanted.name).open("wb") as file:  # type: ignore[attr-defined]
        file.truncate(1 << 40)
    (said,) = bench.plug_in()
    assert "because it is too large" in said


def test_no_link_is_followed_and_no_pipe_waited_for(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "shadow"
    secret.write_text("[voice]\nrate = 1.2\n")
    (bench.stick / "voxedge.toml").symlink_to(secret)
    os.mkfifo(bench.stick / "wifi.txt")
    (bench.stick / "authorized_keys").mkdir()
    (said,) = bench.plug_in()
    assert said.count("because it is not a plain file") == 3
    assert not bench.places.settings.exists()


def test_a_socket_and_a_device_are_no_files(bench: Bench, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(bench.stick / "wifi.txt"))
        (bench.stick / "authorized_keys").symlink_to("/dev/zero")
        (said,) = bench.plug_in()
    assert said.count("because it is not a plain file") == 2


def test_a_folder_that_is_a_link_is_not_read(bench: Bench, tmp_path: Path) -> None:
    bench.put("wifi.txt", "x")
    (tmp_path / "link").symlink_to(bench.stick)
    with pytest.raises(StickRefused):
        read_text(tmp_path / "link", WIFI, ("wifi.txt",))


def test_two_files_of_one_name_are_refused(bench: Bench) -> None:
    bench.put("wifi.txt", "")
    bench.put("WIFI.TXT", "")
    (said,) = bench.plug_in()
    assert "there are two of them" in said


def test_a_stick_that_was_pulled_out_is_told(bench: Bench) -> None:
    bench.stick.rmdir()
    assert bench.plug_in() == [
        "I did not take anything from the stick, because the stick cannot be read. "
        "Nothing was changed there."
    ]


def test_a_folder_without_end_is_looked_at_to_an_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voxedge.system.provisioning.stick.ENTRIES_LOOKED_AT", 10)
    for number in range(30):
        bench.put(f"{number}.jpg", b"")
    assert len(names_on(bench.stick)) == 10


def test_a_device_that_cannot_be_written_is_told(bench: Bench) -> None:
    bench.put("voxedge.toml", "[voice]\nrate = 1.2\n")

    class Full(FakeCard):
        def create(self, path: Path, data: bytes, mode: int) -> None:
            raise OSError(28, "No space left on device")

    taken = take(bench.stick, bench.places, Full())
    assert [error.details["reason"] for error in taken.refused] == ["my memory cannot be written"]


def test_a_power_cut_leaves_the_old_settings_or_the_new(bench: Bench) -> None:
    old, new = b"[voice]\nrate = 1.2\n", b"[voice]\nrate = 1.3\n"
    bench.put("voxedge.toml", new)
    path, seen = bench.places.settings, set()
    for steps in range(5):
        card = FakeCard({path: old}, steps)
        with contextlib.suppress(PowerCut):
            take(bench.stick, bench.places, card)
        for files in card.after_cut():
            assert files[path] in (old, new)
            seen.add(files[path])
    assert seen == {old, new}


CARDS = """ 0 [Headphones     ]: bcm2835_headpho - bcm2835 Headphones
 1 [Device         ]: USB-Audio - USB PnP Sound Device
"""


@pytest.mark.parametrize(
    ("card", "heard"),
    [
        ("Device", None),
        ("hw:CARD=Device,DEV=0", None),
        ("plughw:Headphones", None),
        ("USB PnP Sound Device", None),
        ("default", None),
        ("Scarlett", "there is no sound card Scarlett here"),
        ("hw:CARD=Scarlett,DEV=0", "there is no sound card"),
    ],
)
def test_a_card_that_is_not_there_is_refused_for_nobody_would_hear_why(
    tmp_path: Path, card: str, heard: str | None
) -> None:
    (tmp_path / "cards").write_text(CARDS)
    places = Places(settings=tmp_path / "none", sound_cards=tmp_path / "cards")
    found = misfit(f'[audio]\ndevice = "{card}"\n', places)
    assert (found is None) if heard is None else (found or "").startswith(heard)
    unknown = Places(settings=tmp_path / "none", sound_cards=tmp_path / "none")
    assert misfit(f'[audio]\ndevice = "{card}"\n', unknown) is None


def test_a_voice_or_language_that_is_not_installed_is_refused(bench: Bench) -> None:
    for text, reason in (
        ('[voice]\nname = "xx_XX-nobody-high"\n', "the voice xx XX-nobody-high is not installed"),
        ('[reading]\nlanguage = "tlh"\n', "the language tlh is not installed for reading"),
    ):
        bench.put("voxedge.toml", text)
        taken = take(bench.stick, bench.places, Disk(), lambda *_: False)
        assert [error.details["reason"] for error in taken.refused] == [reason]
        assert not re.search(r"[/{}]|--", taken.refused[0].speech)
    assert not bench.places.settings.exists()


def test_only_what_changes_is_looked_at(bench: Bench) -> None:
    def never(*_: object) -> bool:
        raise AssertionError("the voice stays as it is")

    bench.put("voxedge.toml", "[voice]\nrate = 1.2\n")
    assert take(bench.stick, bench.places, Disk(), never).spoken == (SETTINGS_TAKEN,)


def test_the_doctor_is_asked_with_the_new_settings(tmp_path: Path) -> None:
    """The real one, on this machine: English is installed, Klingon is not."""
    places = Places(settings=tmp_path / "none", sound_cards=tmp_path / "none")
    assert misfit('[reading]\nlanguage = "tlh"\n', places) is not None
    assert ask_doctor("languages", '[reading]\nlanguage = "eng"\n')
    assert ask_doctor("no such check", "")


# -- Wi-Fi -----------------------------------------------------------------------------------


def test_the_key_is_that_of_the_standard() -> None:
    # IEEE 802.11i, annex H.4.3, the first test vector.
    text = supplicant_conf(Network("IEEE", "password", "US"))
    key = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
    assert f"psk={key}" in text
    assert "password" not in text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("password: 12345678\ncountry: DE", "names no network"),
        ("network: x\npassword: short\ncountry: DE", "8 to 63 characters"),
        ("network: x\npassword: pässwörter\ncountry: DE", "characters that no wireless"),
        ("network: x\npassword: 12345678", "country with two letters"),
        ("network: x\ncountry: Germany", "country with two letters"),
        ("network: " + "x" * 33 + "\ncountry: DE", "too long"),
        ("network: x\nnetwork: y\ncountry: DE", "line 2 says the network again"),
        ("network: x\nrun: rm\ncountry: DE", "line 2 does not begin with"),
        ("network={\nssid=x\n}", "line 2 says the network again"),
        ("}\n", "line 1 does not begin with"),
    ],
)
def test_a_mistake_in_wifi_txt_is_named(text: str, reason: str) -> None:
    with pytest.raises(StickRefused) as caught:
        parse_wifi(text)
    assert reason in str(caught.value)
    assert "12345678" not in str(caught.value) + caught.value.speech
    assert not re.search(r"[/{}]", caught.value.speech)


def test_an_open_and_a_hidden_network() -> None:
    network = parse_wifi("ssid = Café Noir\nhidden = yes\ncountry = fr\n")
    assert network == Network("Café Noir", "", "FR", hidden=True)
    assert "key_mgmt=NONE" in supplicant_conf(network)
    assert "scan_ssid=1" in supplicant_conf(network)


@given(name=st.text(min_size=1, max_size=12), password=st.text(min_size=0, max_size=70))
def test_nothing_on_a_stick_becomes_a_line_of_the_configuration(name: str, password: str) -> None:
    try:
        network = parse_wifi(f"network: {name}\npassword: {password}\ncountry: DE\n")
    except StickRefused:
        return
    if network is None:
        return
    lines = supplicant_conf(network).splitlines()
    shape = re.compile(
        r"#.*|country=DE|network=\{|\tssid=([0-9a-f]{2})+|\tkey_mgmt=(NONE|WPA-PSK WPA-PSK-SHA256)"
        r"|\tpsk=[0-9a-f]{64}|\}"
    )
    assert all(shape.fullmatch(line) for line in lines)


def test_a_password_is_in_no_representation() -> None:
    assert "secret" not in repr(Network("x", "secretsecret", "DE"))


# -- keys ------------------------------------------------------------------------------------


def test_a_key_of_ssh_keygen_is_taken(tmp_path: Path) -> None:
    made = subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=False
    ) if _has_ssh_keygen() else None  # fmt: skip
    if made is None or made.returncode != 0:
        pytest.skip("ssh-keygen is not installed")
    text = (tmp_path / "key.pub").read_text()
    assert parse_keys(text) == (text.strip(),)
    with pytest.raises(StickRefused, match="private key"):
        parse_keys((tmp_path / "key").read_text())


def _has_ssh_keygen() -> bool:
    from shutil import which

    return which("ssh-keygen") is not None


@pytest.mark.parametrize(
    "line",
    [
        "hello",
        "ssh-ed25519",
        "ssh-ed25519 AAAA",
        "ssh-ed25519 !!!!",
        'command="sh" ' + public_key(),
        "ssh-dss " + public_key().split()[1],
        # The name in front and the name inside differ.
        "ssh-rsa " + public_key().split()[1],
    ],
)
def test_what_is_no_plain_public_key_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(StickRefused, match="line 2 is not a plain public key"):
        parse_keys(f"# keys\n{line}\n")


def test_not_everybody_may_come_in() -> None:
    with pytest.raises(StickRefused, match="more than 16"):
        parse_keys("\n".join([public_key()] * 17))


@given(st.text(max_size=300))
def test_no_text_opens_the_door(text: str) -> None:
    try:
        keys = parse_keys(text)
    except StickRefused:
        return
    assert keys == ()


# -- an update on the stick ------------------------------------------------------------------


def test_an_update_on_a_stick_is_installed_once(bench: Bench) -> None:
    bench.put("voxedge-0.3.raucb", b"hsqs" + bytes(100))
    bench.plug_in()
    assert bench.updated == ["voxedge-0.3.raucb"]
    plug.remember(bench.stick / "voxedge-0.3.raucb", bench.places, Disk())
    bench.plug_in()
    assert bench.updated == ["voxedge-0.3.raucb"], "a stick that stays must not update for ever"
    bench.put("voxedge-0.3.raucb", b"hsqs" + bytes(101))
    bench.plug_in()
    assert len(bench.updated) == 2


def test_of_several_updates_none_is_guessed(bench: Bench) -> None:
    bench.put("a.raucb", b"hsqs")
    bench.put("b.raucb", b"hsqs")
    assert bench.plug_in() == [plug.SEVERAL_UPDATES]
    assert bench.updated == []


def test_a_link_is_no_update_and_the_leavings_of_a_mac_are_none(bench: Bench) -> None:
    (bench.stick / "x.raucb").symlink_to("/dev/zero")
    bench.put("._new.raucb", b"")
    assert bench.plug_in() == []
    assert bench.updated == []


@pytest.mark.parametrize("name", ["selftest.txt", "SELFTEST.TXT"])
def test_a_stick_starts_the_self_test(bench: Bench, name: str) -> None:
    bench.put(name, "")
    assert bench.plug_in() == []
    assert bench.restarted == [plug.SELFTEST_UNIT]
    assert (OVERLAY / "usr/lib/systemd/system" / plug.SELFTEST_UNIT).exists()


def test_a_refused_update_does_not_stop_the_program(bench: Bench) -> None:
    bench.put("x.raucb", b"hsqs")

    def refuse(_: Path) -> None:
        raise UpdateUntrusted(path="x", reason="y")

    time = FakeTime()
    line = Line(bench.reader, time.clock, time.sleep)
    hands = Hands(bench.places, Disk(), line, bench.restarted.append, refuse)
    use(bench.stick, hands)
    assert not (bench.places.device / "last-update").exists()


def test_a_device_that_cannot_be_mounted_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = FakeReader()
    monkeypatch.setattr(plug, "SocketReader", lambda: reader)
    monkeypatch.setattr(plug.tempfile, "mkdtemp", lambda **_: str(_made(tmp_path / "mnt")))
    assert plug.main(["/dev/voxedge-no-such-device"]) == 1
    assert reader.texts == [plug.UNREADABLE]
    assert not (tmp_path / "mnt").exists()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


def test_a_real_stick_is_mounted_read_and_unmounted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system on a loop device: the real ``mount``, FAT where this kernel knows it."""
    known = Path("/proc/filesystems").read_text().split()
    kind = "vfat" if "vfat" in known else "ext4"
    if os.geteuid() != 0 or kind not in known or not Path("/dev/loop-control").exists():
        pytest.skip("needs root, a loop device, and FAT or ext4 in the kernel")
    monkeypatch.setattr(plug, "FILE_SYSTEMS", kind)
    content, image = tmp_path / "content", tmp_path / "stick.img"
    content.mkdir()
    (content / "wifi.txt").write_text("network: x\ncountry: DE\n")
    image.write_bytes(bytes(2 << 20))
    if kind == "vfat":
        subprocess.run(["mkfs.vfat", image], check=True, capture_output=True)
        subprocess.run(["mcopy", "-i", image, content / "wifi.txt", "::"], check=True)
    else:
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", content, image], check=True)
    device = subprocess.run(
        ["losetup", "--find", "--show", image], capture_output=True, text=True, check=True
    ).stdout.strip()
    places = Places(device=tmp_path / "device", settings=tmp_path / "settings/voxedge.toml")
    try:
        with plug.mounted(device) as folder:
            lines = Path("/proc/mounts").read_text().splitlines()
            (options,) = [line.split()[3] for line in lines if line.split()[1] == str(folder)]
            assert {"ro", "nodev", "nosuid", "noexec", "nosymfollow"} <= set(options.split(","))
            assert take(folder, places, Disk()).spoken == (WIFI_TAKEN,)
        assert not folder.exists()
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)


# -- what is shipped -------------------------------------------------------------------------


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(OVERLAY / "usr/lib/systemd/system" / name)
    return parser


def test_remote_service_is_off_until_a_key_comes() -> None:
    assert unit("voxedge-ssh.service")["Unit"]["ConditionFileNotEmpty"] == str(
        Places().device / "authorized_keys"
    )
    sshd = (OVERLAY / "usr/lib/voxedge/sshd_config").read_text()
    for line in ("PasswordAuthentication no", "KbdInteractiveAuthentication no",
                 "PermitRootLogin prohibit-password",
                 f"AuthorizedKeysFile {Places().device}/authorized_keys"):  # fmt: skip
        assert line in sshd.splitlines()


def test_the_radio_is_off_until_a_network_is_named() -> None:
    wifi = unit("voxedge-wifi.service")
    path = str(Places().device / "wpa_supplicant.conf")
    assert wifi["Unit"]["ConditionFileNotEmpty"] == path
    assert path in wifi["Service"]["ExecStart"]


def test_the_units_are_those_that_the_program_starts() -> None:
    for name in plug.RESTARTED.values():
        shipped = OVERLAY / "usr/lib/systemd/system" / name
        assert shipped.exists() or name == "voxedge.service"
    dropin = (OVERLAY / "etc/systemd/system/voxedge.service.d/settings.conf").read_text()
    assert f"VOXEDGE_CONFIG={Places().settings}" in dropin
    rule = (OVERLAY / "usr/lib/udev/rules.d/70-voxedge-stick.rules").read_text()
    assert "voxedge-stick@%k.service" in rule
    assert unit("voxedge-stick@.service")["Service"]["ExecStart"].endswith("plug /dev/%i")
