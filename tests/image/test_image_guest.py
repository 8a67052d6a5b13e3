"""The channel to the emulated guest: it breaks when the guest restarts, whatever was going on."""

import socket

import pytest
from imagebuild.errors import BootTestFailed
from imagebuild.guest import Guest


class AMachine:
    """As much of an emulator as the channel asks for."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()

    def connect(self, timeout_s: float) -> socket.socket:
        return self.here

    def need_running(self) -> None:
        """It is taken to run: the channel notices first."""

    def last_lines(self, count: int = 15) -> str:
        return "reboot: Restarting system"


@pytest.fixture
def machine():
    machine = AMachine()
    yield machine
    machine.here.close()
    machine.there.close()


def test_a_guest_that_is_gone_before_the_question(machine: AMachine) -> None:
    guest = Guest(machine)  # type: ignore[arg-type]
    machine.there.close()
    with pytest.raises(BootTestFailed, match="Restarting system"):
        guest.run("true")


def test_a_guest_that_goes_with_the_question_unread(machine: AMachine) -> None:
    guest = Guest(machine)  # type: ignore[arg-type]
    machine.there.shutdown(socket.SHUT_WR)
    with pytest.raises(BootTestFailed, match="The channel closed"):
        guest.run("true")
