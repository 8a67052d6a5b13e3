"""Installing into a folder that stands for an image; the live system is tested in tests/system."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import pytest

from voxedge.cli import install as command
from voxedge.errors import InstallFailed, OutputUnwritable, UsageError
from voxedge.service import installation
from voxedge.service.installation import Layout, Options, install, uninstall

REPO = Path(__file__).parents[2]
EXECUTABLE = Path("/opt/elsewhere/bin/voxedge")


def files(root: Path) -> set[str]:
    return {str(p.relative_to(root)) for p in root.rglob("*") if p.is_file() or p.is_symlink()}


def test_an_image_gets_every_file_and_starts_the_reader(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    told = list(install(layout, Options(EXECUTABLE)))
    assert files(tmp_path) == {
        "etc/systemd/system/voxedge.service",
        "etc/systemd/system/voxedge.socket",
        "etc/systemd/system/voxedge-failure.service",
        "etc/sysusers.d/voxedge.conf",
        "etc/tmpfiles.d/voxedge.conf",
        "etc/udev/rules.d/60-voxedge.rules",
        "etc/polkit-1/rules.d/50-voxedge.rules",
        "etc/systemd/system/multi-user.target.wants/voxedge.service",
        "etc/systemd/system/sockets.target.wants/voxedge.socket",
    }
    unit = (tmp_path / "etc/systemd/system/voxedge.service").read_text()
    assert f"ExecStart={EXECUTABLE} run" in unit
    assert installation.SHIPPED_EXECUTABLE not in unit
    link = tmp_path / "etc/systemd/system/multi-user.target.wants/voxedge.service"
    assert link.readlink() == Path("/etc/systemd/system/voxedge.service")
    assert len(told) == 9


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    list(install(layout, Options(EXECUTABLE)))
    before = {p: (tmp_path / p).lstat().st_mtime_ns for p in files(tmp_path)}
    told = list(install(layout, Options(EXECUTABLE)))
    assert sum("unchanged" in line for line in told) == 7
    assert {p: (tmp_path / p).lstat().st_mtime_ns for p in files(tmp_path)} == before


def test_a_package_goes_below_usr(tmp_path: Path) -> None:
    list(install(Layout(tmp_path, Path("/usr")), Options(EXECUTABLE, start=False)))
    assert files(tmp_path) == {
        "usr/lib/systemd/system/voxedge.service",
        "usr/lib/systemd/system/voxedge.socket",
        "usr/lib/systemd/system/voxedge-failure.service",
        "usr/lib/sysusers.d/voxedge.conf",
        "usr/lib/tmpfiles.d/voxedge.conf",
        "usr/lib/udev/rules.d/60-voxedge.rules",
        "usr/share/polkit-1/rules.d/50-voxedge.rules",
    }


def test_options_come_and_go_as_drop_ins(tmp_path: Path) -> None:
    layout, folder = Layout(tmp_path), tmp_path / "etc/systemd/system/voxedge.service.d"
    list(install(layout, Options(EXECUTABLE, keyboard=True, network=True)))
    assert {p.name for p in folder.iterdir()} == {"keyboard.conf", "network.conf"}
    told = list(install(layout, Options(EXECUTABLE, keyboard=True)))
    assert {p.name for p in folder.iterdir()} == {"keyboard.conf"}
    assert any("network.conf: removed" in line for line in told)


def test_uninstalling_keeps_the_library_unless_told(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    list(install(layout, Options(EXECUTABLE)))
    library = tmp_path / "var/lib/voxedge/library.sqlite"
    library.parent.mkdir(parents=True)
    library.touch()
    told = list(uninstall(layout, purge=False))
    assert files(tmp_path) == {"var/lib/voxedge/library.sqlite"}
    assert any("kept" in line for line in told)
    list(uninstall(layout, purge=True))
    assert files(tmp_path) == set()


def live(root: Path) -> Layout:
    """A layout that believes to be the running system."""

    class Live(Layout):
        live = True  # type: ignore[assignment]

    return Live(root)


def test_on_the_running_system_everything_is_started(tmp_path: Path) -> None:
    (tmp_path / "voxedge").touch()
    commands: list[str] = []

    def run(command: Sequence[str]) -> int:
        commands.append(" ".join(command))
        return 0

    list(install(live(tmp_path), Options(tmp_path / "voxedge"), run))
    assert commands[:3] == [
        "systemd-sysusers voxedge.conf",
        "systemd-tmpfiles --create voxedge.conf",
        "systemctl daemon-reload",
    ]
    assert commands[-1] == "systemctl restart voxedge.service"
    list(install(live(tmp_path), Options(tmp_path / "voxedge"), run))
    assert commands[-1] == "systemctl start voxedge.service", "nothing new: no interruption"
    list(uninstall(live(tmp_path), purge=True, run=run))
    assert "systemctl disable --now voxedge.socket voxedge.service" in commands
    assert commands[-1] == "userdel voxedge"


def test_a_program_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "voxedge").touch()
    with pytest.raises(InstallFailed, match=r"systemd-sysusers voxedge.conf.* code 3"):
        list(install(live(tmp_path), Options(tmp_path / "voxedge"), lambda command: 3))


@pytest.fixture(autouse=True)
def _tmp_is_a_fair_place(monkeypatch: pytest.MonkeyPatch) -> None:
    # The tests' own folders lie below /tmp, which the service cannot see.
    monkeypatch.setattr(installation, "_HIDDEN_FROM_THE_SERVICE", ("/home/", "/root/"))


def test_a_program_in_a_home_folder_is_refused_with_a_way_out(tmp_path: Path) -> None:
    options = Options(Path("/home/pi/venv/bin/voxedge"))
    with pytest.raises(UsageError, match=r"cannot see it.*python3 -m venv /opt/voxedge"):
        list(install(Layout(tmp_path), options))
    assert files(tmp_path) == set()


def test_a_program_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no program"):
        list(install(live(tmp_path), Options(EXECUTABLE)))


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("a file where a folder is wanted")
    with pytest.raises(OutputUnwritable, match="etc/systemd/system"):
        list(install(Layout(tmp_path), Options(EXECUTABLE)))


def test_a_program_that_is_not_installed_counts_as_failed() -> None:
    assert installation.run_program(["voxedge-no-such-program"]) == 127
    assert installation.run_program(["true"]) == 0


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers(dest="command"))
    return parser.parse_args(words)


def test_the_commands_say_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parsed("install", "--root", str(tmp_path), "--executable", str(EXECUTABLE))
    assert arguments.run(arguments) == 0
    assert "voxedge.service: written" in capsys.readouterr().out
    arguments = parsed("uninstall", "--root", str(tmp_path))
    assert arguments.run(arguments) == 0
    assert "voxedge.service: removed" in capsys.readouterr().out


def test_the_live_system_needs_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    for name in ("install", "uninstall"):
        arguments = parsed(name)
        with pytest.raises(UsageError, match=f"sudo voxedge {name}"):
            arguments.run(arguments)


def test_the_units_ship_with_the_package() -> None:
    """pyproject puts systemd/ beside the installed modules, where ``units_folder`` looks first."""
    assert installation.units_folder() == REPO / "systemd"
    assert '"systemd" = "voxedge/service/systemd"' in (REPO / "pyproject.toml").read_text()
