"""Runs inside the guest, from the test disk: does what the host asks and answers.

One JSON object a line: ``{"id": 1, "run": "shell text", "timeout_s": 60}`` gets
``{"id": 1, "code": 0, "out": base64}``. With ``"ask": {...}`` in place of ``run`` the message goes
to the reader's control socket and its reply comes back: loading the command line would take an
emulated processor half a minute. ``{"hello": true}`` is said once at the start.
"""

import base64
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

CONTROL = "/run/voxedge/control.sock"


def main() -> int:
    """Serve the port named on the command line, for ever."""
    with Path(sys.argv[1]).open("r+b", buffering=0) as port:
        answer(port, {"hello": True})
        waiting = b""
        while True:
            piece = port.read(65536)
            if not piece:
                continue  # The host has closed its end: another connection comes.
            waiting += piece
            while b"\n" in waiting:
                line, _, waiting = waiting.partition(b"\n")
                answer(port, done(json.loads(line)))


def done(request: dict[str, Any]) -> dict[str, Any]:
    """Run what was asked for and return the answer."""
    if "ask" in request:
        return {"id": request["id"], **asked(request["ask"], request["timeout_s"])}
    try:
        process = subprocess.run(
            ["/bin/sh", "-c", request["run"]],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=request["timeout_s"],
        )
        code, out = process.returncode, process.stdout
    except subprocess.TimeoutExpired as error:
        code, out = 124, error.stdout or b""
    return {"id": request["id"], "code": code, "out": base64.b64encode(out).decode()}


def asked(message: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    """Send one message to the control socket; return the reply, or why there is none."""
    try:
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(timeout_s)
            control.connect(CONTROL)
            control.sendall(json.dumps({"v": 1, "id": 1, **message}).encode() + b"\n")
            reply = b""
            while not reply.endswith(b"\n"):
                piece = control.recv(65536)
                if not piece:
                    break
                reply += piece
        return {"code": 0 if reply.endswith(b"\n") else 1, "out": base64.b64encode(reply).decode()}
    except OSError as error:
        return {"code": 1, "out": base64.b64encode(str(error).encode()).decode()}


def answer(port: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message; a port may take it in pieces."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[port.write(data) :]


if __name__ == "__main__":
    sys.exit(main())
