"""The bill of materials: every Debian package, Python package and model of the image.

CycloneDX 1.6 (ECMA-424) in JSON: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from imagebuild.layout import fixed_uuid
from imagebuild.plan import SUITE, Plan

_FILE_BYTES_MIN = 1 << 20
"""Of the models only large files are named one by one: the networks."""
_NETWORKS = (".onnx", ".bin")


def bill_of_materials(plan: Plan, tree: Path, lock: dict[str, tuple[str, frozenset[str]]]) -> str:
    """Return the bill as JSON text; the same tree gives the same text."""
    components = [
        *_debian((tree / "var/lib/dpkg/status").read_text(encoding="utf-8")),
        *_python(tree, lock),
        *_models(tree / "usr/share/voxedge/models"),
    ]
    components.sort(key=lambda component: component["bom-ref"])
    when = datetime.datetime.fromtimestamp(plan.epoch, datetime.UTC)
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{fixed_uuid(plan, 'sbom')}",
        "version": 1,
        "metadata": {
            "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "bom-ref": "image",
                "type": "operating-system",
                "name": plan.name,
                "version": plan.version,
            },
        },
        "components": components,
    }
    return json.dumps(bill, indent=1, sort_keys=True) + "\n"


def _debian(status: str) -> list[dict[str, Any]]:
    found = []
    for block in status.split("\n\n"):
        fields = HeaderParser().parsestr(block)
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        purl = f"pkg:deb/debian/{name}@{quote(version, safe='')}"
        purl += f"?arch={fields['Architecture']}&distro={SUITE}"
        source = (fields.get("Source") or name).split()[0]
        found.append(
            {
                "bom-ref": purl,
                "type": "library",
                "name": name,
                "version": version,
                "purl": purl,
                "properties": [{"name": "debian:source", "value": source}],
            }
        )
    return found


def _python(tree: Path, lock: dict[str, tuple[str, frozenset[str]]]) -> list[dict[str, Any]]:
    found = []
    for metadata in sorted(
        tree.glob("opt/voxedge/lib/python3*/site-packages/*.dist-info/METADATA")
    ):
        fields = HeaderParser().parsestr(metadata.read_text(encoding="utf-8", errors="replace"))
        name = re.sub(r"[-_.]+", "-", fields["Name"]).lower()
        purl = f"pkg:pypi/{name}@{fields['Version']}"
        component: dict[str, Any] = {
            "bom-ref": purl,
            "type": "application" if name == "voxedge" else "library",
            "name": name,
            "version": fields["Version"],
            "purl": purl,
        }
        licence = fields.get("License-Expression") or fields.get("License") or ""
        if licence and len(licence) < 80:
            component["licenses"] = [{"license": {"name": licence}}]
        if name in lock:
            # Those of every file that the lock accepts; one of them is what was fetched.
            hashes = ",".join(sorted(lock[name][1]))
            component["properties"] = [{"name": "voxedge:accepted-sha256", "value": hashes}]
        found.append(component)
    return found


def _models(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size >= _FILE_BYTES_MIN and path.suffix in _NETWORKS:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            name = path.relative_to(folder).as_posix()
            found.append(
                {
                    "bom-ref": f"model:{name}",
                    "type": "machine-learning-model",
                    "name": name,
                    "hashes": [{"alg": "SHA-256", "content": digest}],
                }
            )
    return found
