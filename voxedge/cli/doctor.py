"""``voxedge doctor``: what is here, what is missing, how to install it."""

from __future__ import annotations

import argparse
import dataclasses
import json

from voxedge.cli.options import Subparsers, load_settings
from voxedge.doctor import CHECKS, Finding, examine
from voxedge.errors import UsageError


def register(commands: Subparsers) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("doctor", help="say what is present and what is missing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", metavar="NAME", help=f"only one of: {', '.join(CHECKS)}")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; 1 if a vital part (or the one asked for) is missing, else 0."""
    if arguments.check is not None and arguments.check not in CHECKS:
        raise UsageError(
            reason=f"There is no check '{arguments.check}'. Checks: {', '.join(CHECKS)}"
        )
    findings = examine(load_settings(arguments), only=arguments.check)
    if arguments.json:
        print(json.dumps({"checks": [dataclasses.asdict(f) for f in findings]}, indent=2))
    else:
        for finding in findings:
            print(_line(finding))
        print(_summary(findings))
    must_hold = findings if arguments.check else [f for f in findings if f.vital]
    return 0 if all(finding.ok for finding in must_hold) else 1


def _line(finding: Finding) -> str:
    mark = "ok     " if finding.ok else ("MISSING" if finding.vital else "absent ")
    remedy = f"\n          -> {finding.remedy}" if finding.remedy else ""
    return f"{mark}  {finding.name}: {finding.detail}{remedy}"


def _summary(findings: tuple[Finding, ...]) -> str:
    missing = [finding.name for finding in findings if finding.vital and not finding.ok]
    if missing:
        return f"voxedge cannot work yet: {', '.join(missing)} missing."
    return "Everything that reading aloud needs is here."
