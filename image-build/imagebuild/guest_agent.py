"""Runs inside the guest, from the test disk: does what the host asks and answers.

One JSON object a line: ``{"id": 1, "run": "shell text", "timeout_s": 60}`` gets
``{"id": 1, "code": 0, "out": base64}``. ``{"hello": true}`` is said once at the start.
"""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO


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


def answer(port: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message; a port may take it in pieces."""
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[port.write(data) :]


if __name__ == "__main__":
    sys.exit(main())
