"""Files of EHRs, as the command line reads them, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.connecting import WrongConnections, read_connections
from server.connections import Connections

ISSUER = "https://ehr.hospital.example/fhir/R4"
LEAST = f"""
address = "https://rps.hospital.example"
[[ehr]]
name = "General"
issuer = "{ISSUER}"
client_id = "prognosis"
"""
HIDDEN = "hunter2-the-secret"


def read(folder: Path, text: str | bytes) -> Connections:
    """The connections of a file with this content."""
    path = folder / "ehr.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_connections(path)


def problems(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong with it, without the name of the file that stands before each."""
    with pytest.raises(WrongConnections) as caught:
        read(folder, text)
    assert HIDDEN not in str(caught.value)
    lines = str(caught.value).splitlines()
    before = f"{folder / 'ehr.toml'}"
    assert all(line.startswith(before) for line in lines)
    return [line.removeprefix(before).removeprefix(": ") for line in lines]


def with_file(folder: Path, key: str, content: object) -> str:
    """A configuration that names a file with this content."""
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    (folder / "given").write_bytes(data)
    return f'{LEAST}{key} = "given"\n' if "." not in key else f'{LEAST}[ehr.hooks]\nissuer = "x"\nkeys_file = "given"\n'
