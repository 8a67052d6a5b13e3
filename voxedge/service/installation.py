"""Put the units where systemd looks for them, and take them away again.

Each step is yielded as a sentence when it is done, so that the command line can say it. Doing it
twice changes nothing; a step that finds its work done says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from voxedge.errors import InstallFailed, OutputUnwritable, UsageError

SHIPPED_EXECUTABLE = "/opt/voxedge/bin/voxedge"
"""What ``ExecStart=`` names in the unit as shipped."""

_HIDDEN_FROM_THE_SERVICE = ("/home/", "/root/", "/run/user/", "/tmp/", "/var/tmp/")
"""ProtectHome= and PrivateTmp= of the unit."""

_UNITS = ("voxedge.service", "voxedge.socket", "voxedge-failure.service")
_STARTED = ("voxedge.socket", "voxedge.service")
_DATA = ("var/lib/voxedge", "var/cache/voxedge", "etc/voxedge")

Run = Callable[[Sequence[str]], int]
"""Runs a program and returns its exit code."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things go.

    Attributes:
        root: stands for ``/``: a mounted image or a package's staging folder. Nothing is started
            unless it is ``/`` itself.
        prefix: ``/etc`` (an administrator's place) or ``/usr`` (a package's).
    """

    root: Path = Path("/")
    prefix: Path = Path("/etc")

    @property
    def live(self) -> bool:
        """Whether this is the running system."""
        return self.root.resolve() == Path("/")

    def under_root(self, path: str | Path) -> Path:
        """Return where ``path`` of the target lies now."""
        return self.root / str(path).lstrip("/")

    def destination(self, source: str) -> Path:
        """Return where a file of ``systemd/`` goes."""
        own = self.prefix == Path("/etc")
        library = self.prefix if own else self.prefix / "lib"
        shared = self.prefix if own else self.prefix / "share"
        folder, _, name = source.rpartition("/")
        places = {
            "": library / "systemd/system" / name,
            "sysusers.d": library / "sysusers.d" / name,
            "tmpfiles.d": library / "tmpfiles.d" / name,
            "udev": library / "udev/rules.d" / name,
            "polkit": shared / "polkit-1/rules.d" / name,
            "drop-ins": library / "systemd/system/voxedge.service.d" / name,
        }
        return self.under_root(places[folder])


@dataclass(frozen=True, slots=True)
class Options:
    """What to install.

    Attributes:
        executable: what the unit starts.
        keyboard: let the service read keyboards and presenters.
        network: let other machines reach HTTP and Wyoming.
        start: enable and start; off for images.
    """

    executable: Path
    keyboard: bool = False
    network: bool = False
    start: bool = True


def run_program(command: Sequence[str]) -> int:
    """Run ``command``; a program that is not there counts as failed."""
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        return 127


def units_folder() -> Path:
    """Return the folder of the shipped units: in the installed package or in a checkout."""
    installed = Path(__file__).with_name("systemd")
    return installed if installed.is_dir() else Path(__file__).parents[2] / "systemd"


def default_executable() -> Path:
    """Return the ``voxedge`` command of the Python that runs now."""
    return Path(sys.prefix) / "bin" / "voxedge"


def install(layout: Layout, options: Options, run: Run = run_program) -> Iterator[str]:
    """Install the service; yield a sentence a step.

    Raises:
        UsageError: the executable is where the sandboxed service cannot see it.
        OutputUnwritable: a file could not be written; usually: not root.
        InstallFailed: a program of systemd's failed.
    """
    _check_executable(layout, options.executable)
    changed = False
    for source in _sources(options):
        destination = layout.destination(source)
        text = (units_folder() / source).read_text(encoding="utf-8")
        text = text.replace(SHIPPED_EXECUTABLE, str(options.executable))
        if destination.is_file() and destination.read_text(encoding="utf-8") == text:
            yield f"{destination}: unchanged"
            continue
        _write(destination, text)
        changed = True
        yield f"{destination}: written"
    for source in _drop_ins_not_wanted(options):
        if _remove(layout.destination(source)):
            changed = True
            yield f"{layout.destination(source)}: removed"
    if layout.live:
        yield from _activate(options, run, changed)
    elif options.start:
        yield from _enable_offline(layout)


def uninstall(layout: Layout, purge: bool, run: Run = run_program) -> Iterator[str]:
    """Remove the service; yield a sentence a step. Saved documents stay unless ``purge``.

    Raises:
        OutputUnwritable: a file could not be removed; usually: not root.
    """
    if layout.live and layout.destination("voxedge.service").exists():
        # A unit that never started cannot be stopped: not a failure.
        run(["systemctl", "disable", "--now", *_STARTED])
        yield "The reader is stopped and will not start again."
    everything = Options(Path(SHIPPED_EXECUTABLE), keyboard=True, network=True)
    for source in _sources(everything):
        destination = layout.destination(source)
        yield f"{destination}: {'removed' if _remove(destination) else 'was not there'}"
    for link in _links(layout):
        _remove(link)
    if layout.live:
        run(["systemctl", "daemon-reload"])
        shutil.rmtree(layout.under_root("run/voxedge"), ignore_errors=True)
    if not purge:
        yield f"{layout.under_root('var/lib/voxedge')}: kept, with all saved documents (--purge)"
        return
    for data in _DATA:
        path = layout.under_root(data)
        if path.exists():
            try:
                shutil.rmtree(path)
            except OSError as error:
                raise OutputUnwritable(path=path, reason=error.strerror or str(error)) from error
            yield f"{path}: removed"
    if layout.live:
        run(["userdel", "voxedge"])
        yield "The user voxedge is removed."


def _check_executable(layout: Layout, executable: Path) -> None:
    if str(executable).startswith(_HIDDEN_FROM_THE_SERVICE):
        raise UsageError(
            reason=(
                f"{executable} is where the sandboxed service cannot see it. Install voxedge "
                f"outside of home folders, for example: sudo python3 -m venv /opt/voxedge && "
                f"sudo /opt/voxedge/bin/pip install voxedge, then: sudo {SHIPPED_EXECUTABLE} "
                "install"
            )
        )
    if layout.live and not executable.is_file():
        raise UsageError(reason=f"There is no program {executable} for the service to start.")


def _sources(options: Options) -> list[str]:
    sources = [*_UNITS, "sysusers.d/voxedge.conf", "tmpfiles.d/voxedge.conf"]
    sources += ["udev/60-voxedge.rules", "polkit/50-voxedge.rules"]
    sources += ["drop-ins/keyboard.conf"] if options.keyboard else []
    sources += ["drop-ins/network.conf"] if options.network else []
    return sources


def _drop_ins_not_wanted(options: Options) -> list[str]:
    wanted = _sources(options)
    return [s for s in ("drop-ins/keyboard.conf", "drop-ins/network.conf") if s not in wanted]


def _activate(options: Options, run: Run, changed: bool) -> Iterator[str]:
    for command, told in (
        (["systemd-sysusers", "voxedge.conf"], "The user voxedge is there."),
        (["systemd-tmpfiles", "--create", "voxedge.conf"], "Its folders are there."),
        (["systemctl", "daemon-reload"], "systemd knows the service."),
    ):
        _must(run, command)
        yield told
    # Containers and minimal systems have no udev; the rules then apply when it comes.
    if run(["udevadm", "control", "--reload"]) == 0:
        run(["udevadm", "trigger", "--subsystem-match=gpio", "--subsystem-match=dma_heap"])
        yield "The rules for buttons and camera are loaded."
    if not options.start:
        return
    _must(run, ["systemctl", "enable", "--quiet", *_STARTED])
    _must(run, ["systemctl", "start", "voxedge.socket"])
    verb = "restart" if changed else "start"
    _must(run, ["systemctl", verb, "voxedge.service"])
    yield "The reader runs, and starts with the device."


def _enable_offline(layout: Layout) -> Iterator[str]:
    """Make the links of ``systemctl enable``, which a foreign architecture's image cannot run."""
    for link in _links(layout):
        unit = "/" / layout.destination(link.name).relative_to(layout.root)
        if not link.is_symlink():
            _parents(link)
            link.symlink_to(unit)
        yield f"{link}: enabled"


def _links(layout: Layout) -> list[Path]:
    system = layout.under_root("etc/systemd/system")
    return [
        system / "multi-user.target.wants/voxedge.service",
        system / "sockets.target.wants/voxedge.socket",
    ]


def _must(run: Run, command: list[str]) -> None:
    code = run(command)
    if code != 0:
        raise InstallFailed(command=" ".join(command), code=code)


def _write(path: Path, text: str) -> None:
    _parents(path)
    try:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    except OSError as error:
        raise OutputUnwritable(path=path, reason=error.strerror or str(error)) from error


def _parents(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(path=path.parent, reason=error.strerror or str(error)) from error


def _remove(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise OutputUnwritable(path=path, reason=error.strerror or str(error)) from error
    return True
