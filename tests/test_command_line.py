"""The command line: predict for one and for many, serve, and short messages where something is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import click
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from rps_prognosis import listen, main

HEADER = "study,pattern,interval_months,resection,subtype,alive_months\n"
GOOD = "a1,local,24,yes,,\na2,both,,,,12\n"
ROOT = Path(__file__).parent.parent


def predict(folder: Path, *arguments: object, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["predict", "--model", str(folder), *map(str, arguments)], input=given)


def table(tmp_path: Path, rows: str, header: str = HEADER) -> Path:
    file = tmp_path / "patients.csv"
    file.write_text(header + rows, encoding="utf-8")
    return file


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def commands(group: click.Group) -> dict[str, click.Command]:
    return {name: command for name, command in group.commands.items() if not command.hidden}


@pytest.mark.parametrize("name", sorted(commands(main)))
def test_every_command_has_help_with_an_example(name: str) -> None:
    """A reader of --help can start from it."""
    done = CliRunner().invoke(main, [name, "--help"])
    assert done.exit_code == 0
    assert "Example" in done.output
    assert f"rps-prognosis {name}" in done.output


def test_one_patient_from_standard_input(artefact_folder: Path) -> None:
    """DESIGN §6: "-" reads standard input."""
    done = predict(artefact_folder, "-", given='{"features": {"pattern": "both"}}')
    assert done.exit_code == 0
    assert json.loads(done.stdout)["receipt"]["inputs"] == {"pattern": "both", "alive_months": 0}


def test_one_patient_into_a_file(artefact_folder: Path, tmp_path: Path) -> None:
    """DESIGN §6."""
    source, output = tmp_path / "patient.json", tmp_path / "answer.json"
    source.write_text('{"features": {"pattern": "both"}, "alive_months": 12}', encoding="utf-8")
    done = predict(artefact_folder, source, "--output", output)
    assert done.exit_code == 0
    assert done.stdout == ""
    assert json.loads(output.read_text(encoding="utf-8"))["curve"]["months"][0] == 12


def test_a_document_with_a_byte_order_mark_is_read(artefact_folder: Path, tmp_path: Path) -> None:
    """Some editors begin every file with one."""
    source = tmp_path / "patient.json"
    source.write_text('{"features": {"pattern": "both"}}', encoding="utf-8-sig")
    assert predict(artefact_folder, source).exit_code == 0


def test_one_patient_with_problems(artefact_folder: Path) -> None:
    """E18: all of them named, on standard error, exit code 1, nothing predicted."""
    done = predict(artefact_folder, "-", given='{"features": {"pattern": "local", "interval_months": 0}, "x": 1}')
    assert done.exit_code == 1
    assert done.stdout == ""
    for name in ("interval_months", "resection", "“x”"):
        assert name in done.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"features": NaN}', '{"model": "nobody"}'])
def test_what_is_no_patient_is_refused(artefact_folder: Path, text: str) -> None:
    """A short message, no traceback."""
    done = predict(artefact_folder, "-", given=text)
    assert done.exit_code in {1, 2}
    assert done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_is_answered_row_by_row(artefact_folder: Path, tmp_path: Path) -> None:
    """DESIGN §6, E19: columns by name and in any order; identifiers are carried along."""
    reordered = table(tmp_path, ",yes,a1,24,local\n,,a2,,both\n", "subtype,resection,study,interval_months,pattern\n")
    turned = rows_of(predict(artefact_folder, reordered, "--id", "study").stdout)
    straight = rows_of(predict(artefact_folder, table(tmp_path, GOOD), "--id", "study").stdout)
    assert [row["study"] for row in straight] == ["a1", "a2"]
    for row, other in zip(straight, turned, strict=True):
        if row["alive_months"] == other.get("alive_months", ""):
            assert row["survival_36"] == other["survival_36"]
    assert straight[1]["survival_12"] == ""
    assert straight[1]["survival_24"] != ""
    assert straight[0]["problems"] == ""
    assert straight[0]["receipt_id"] != straight[1]["receipt_id"]
    assert straight[0]["points_resection"] != ""
    assert straight[0]["points_subtype"] == ""


BAD = ["0", "-1", "300", "abc", "NaN", "inf", "1e9", "1_0", '"7,5"', "unknown"]


def test_bad_rows_are_listed_and_the_others_answered(artefact_folder: Path, tmp_path: Path) -> None:
    """E18: every bad input in a batch file: a listed row, its problem named, other rows still answered, none lost."""
    rows = "".join(f"b{i},local,{bad},yes,,\n" for i, bad in enumerate(BAD))
    more = "m1,local,,yes,,\nm2,local,300,perhaps,lms,99\nm3,both,,,,1.5\nm4,both,,\nm5,both,,,,,,\n"
    done = predict(artefact_folder, table(tmp_path, GOOD + rows + more + GOOD), "--id", "study")
    assert done.exit_code == 1
    assert f"{len(BAD) + 5} of {len(BAD) + 9} rows" in done.stderr
    found = rows_of(done.stdout)
    assert len(found) == len(BAD) + 9
    assert [row["row"] for row in found] == [str(i + 1) for i in range(len(found))]
    good, bad = [*found[:2], *found[-2:]], found[2:-2]
    assert all(row["survival_60"] and not row["problems"] for row in good)
    assert all(row["problems"] and not row["survival_60"] and not row["receipt_id"] for row in bad)
    assert [row["study"] for row in bad] == [*(f"b{i}" for i in range(len(BAD))), "m1", "m2", "m3", "m4", "m5"]
    assert [row["interval_months"] for row in bad[: len(BAD)]] == [text.strip('"') for text in BAD]
    listed = {row["study"]: row["problems"] for row in bad}
    assert all("240" in listed[f"b{i}"] for i in range(len(BAD) - 1))
    for name in ("interval_months", "resection", "subtype", "alive_months"):
        assert name in listed["m2"]
    assert "4 cells" in listed["m4"]
    assert "8 cells" in listed["m5"]


def test_a_warning_is_carried_into_the_row(artefact_folder: Path, tmp_path: Path) -> None:
    """E18: soft limits warn on every format; nothing is clamped."""
    done = predict(artefact_folder, table(tmp_path, "a1,local,200,yes,,\n"), "--id", "study")
    (row,) = rows_of(done.stdout)
    assert "outside 3 to 140" in row["warnings"]
    assert row["interval_months"] == "200"


def test_an_unknown_input_has_its_range_in_the_row(artefact_folder: Path, tmp_path: Path) -> None:
    """E17."""
    (row,) = rows_of(predict(artefact_folder, table(tmp_path, "a1,local,20,unknown,,\n"), "--id", "study").stdout)
    assert float(row["resection_lowest"]) < float(row["survival_36"]) < float(row["resection_highest"])


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("pattern,study,age\n", "age"),
        ("pattern,pattern,study\n", "more than once"),
        ("pattern,row,study\n", "row"),
        ("pattern\n", "study"),
        ("", "empty"),
    ],
)
def test_columns_that_cannot_be_right_are_refused(
    artefact_folder: Path, tmp_path: Path, header: str, says: str
) -> None:
    """S4: unknown columns are refused unless named; nothing is guessed."""
    identifiers = ["--id", "study", "--id", "row"] if "row" in header else ["--id", "study"]
    done = predict(artefact_folder, table(tmp_path, "", header), *identifiers)
    assert done.exit_code == 2
    assert says in done.stderr


def test_a_feature_is_no_identifier(artefact_folder: Path, tmp_path: Path) -> None:
    """It would be carried along unread."""
    done = predict(artefact_folder, table(tmp_path, "both\n", "pattern\n"), "--id", "pattern")
    assert done.exit_code == 2


@pytest.mark.parametrize("content", [b"pattern\n\xff\xfe\n", b'pattern\n"both\n'])
def test_a_file_that_is_no_table_is_refused(artefact_folder: Path, tmp_path: Path, content: bytes) -> None:
    """Not UTF-8, or a quotation that never ends."""
    file = tmp_path / "patients.csv"
    file.write_bytes(content)
    done = predict(artefact_folder, file)
    assert done.exit_code == 2
    assert "Traceback" not in done.output


def test_a_spreadsheets_mark_and_line_ends_do_no_harm(artefact_folder: Path, tmp_path: Path) -> None:
    """A byte order mark, carriage returns, and lines without anything."""
    file = tmp_path / "patients.csv"
    file.write_bytes(b"\xef\xbb\xbfpattern\r\nboth\r\n\r\nboth\r\n")
    done = predict(artefact_folder, file)
    assert done.exit_code == 0, done.stderr
    assert [row["pattern"] for row in rows_of(done.stdout)] == ["both", "both"]


def test_parquet_in_and_out(artefact_folder: Path, tmp_path: Path) -> None:
    """DESIGN §6: numbers as numbers, null as not given; the answered table can be read back."""
    source, output = tmp_path / "patients.parquet", tmp_path / "answers.parquet"
    columns = {
        "study": [7, 8, 9],
        "pattern": ["local", "both", "local"],
        "interval_months": [24.0, None, float("nan")],
        "resection": ["yes", None, "unknown"],
        "alive_months": [0, 3, None],
    }
    parquet.write_table(pa.table(columns), source)
    done = predict(artefact_folder, source, "--id", "study", "--output", output)
    assert done.exit_code == 1
    rows = parquet.read_table(output).to_pylist()
    assert [row["study"] for row in rows] == [7, 8, 9]
    assert rows[0]["survival_36"] > 0
    assert rows[0]["problems"] is None
    assert "has no answer" in rows[2]["problems"]  # NaN is how tables of numbers write null
    assert parquet.read_schema(output).field("best_tenth_months").type == pa.float64()


def test_nan_in_a_table_of_numbers_is_null(artefact_folder: Path, tmp_path: Path) -> None:
    """A pattern that does not ask for a number is answered, and an identifier without a value is one in JSON too."""
    source, output = tmp_path / "patients.parquet", tmp_path / "answers.json"
    columns = {"study": [7.0, float("nan")], "pattern": ["both", "both"], "interval_months": [float("nan")] * 2}
    parquet.write_table(pa.table(columns), source)
    assert predict(artefact_folder, source, "--id", "study", "--output", output).exit_code == 0
    assert [row["identifiers"]["study"] for row in json.loads(output.read_text(encoding="utf-8"))] == [7.0, None]


def test_a_table_answered_as_json(artefact_folder: Path, tmp_path: Path) -> None:
    """The interface's answer for each row, or its problems."""
    output = tmp_path / "answers.json"
    done = predict(artefact_folder, table(tmp_path, f"{GOOD}a3,east,,,,\n"), "--id", "study", "--output", output)
    assert done.exit_code == 1
    rows: list[dict[str, Any]] = json.loads(output.read_text(encoding="utf-8"))
    assert [row["identifiers"] for row in rows] == [{"study": "a1"}, {"study": "a2"}, {"study": "a3"}]
    assert rows[0]["answer"]["survival"][0]["months"] == 12
    assert list(rows[2]["problems"]) == ["pattern"]


@pytest.mark.parametrize(
    ("source", "output", "code"),
    [
        ("patients.txt", None, 2),
        ("nowhere.csv", None, 2),
        ("nowhere.parquet", None, 2),
        ("nowhere.json", None, 2),
        ("patients.csv", "answers.xlsx", 2),
        ("patients.csv", "no/folder/answers.csv", 1),
        ("patient.json", "answers.csv", 2),
    ],
)
def test_wrong_files_have_short_messages(
    artefact_folder: Path, tmp_path: Path, source: str, output: str | None, code: int
) -> None:
    """Exit codes as --help says; never a traceback."""
    (tmp_path / "patients.csv").write_text("pattern\nboth\n", encoding="utf-8")
    (tmp_path / "patient.json").write_text('{"features": {"pattern": "both"}}', encoding="utf-8")
    done = predict(artefact_folder, tmp_path / source, *(["--output", tmp_path / output] if output else []))
    assert done.exit_code == code
    assert isinstance(done.exception, SystemExit)
    assert done.stderr


@pytest.mark.parametrize("command", ["serve", "predict"])
def test_a_model_that_is_none_stops_with_the_reason(tmp_path: Path, command: str) -> None:
    """S3: a model that cannot be served stops the start, with a reason that an operator understands."""
    arguments = [command, "--model", str(tmp_path), *(["-"] if command == "predict" else [])]
    done = CliRunner().invoke(main, arguments, input="{}")
    assert done.exit_code == 1
    assert "manifest.json" in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("option", "value"), [("--frame-ancestors", "*"), ("--root-path", "rps"), ("--port", "x"), ("--port", "70000")]
)
def test_wrong_options_are_refused(artefact_folder: Path, option: str, value: str) -> None:
    """S1: before anything listens."""
    done = CliRunner().invoke(main, ["serve", "--model", str(artefact_folder), option, value])
    assert done.exit_code == 2
    assert value in done.stderr


def test_a_port_that_is_taken_stops_with_the_reason(artefact_folder: Path) -> None:
    """A short message, no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = CliRunner().invoke(main, ["serve", "--model", str(artefact_folder), "--port", port])
    assert done.exit_code == 1
    assert port in done.stderr


def test_a_small_answer_is_sent_at_once() -> None:
    """Asyncio switches Nagle's algorithm off on sockets that are named as TCP; with it each answer takes 40 ms more."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


def test_serve_answers_under_its_path_and_logs_no_query(artefact_folder: Path) -> None:
    """DESIGN §6, S2: it says where it answers, answers there, writes down no query, and stops when told to."""
    command = [sys.executable, "-m", "rps_prognosis", "serve", "--model", str(artefact_folder)]
    options = ["--port", "0", "--root-path", "/rps", "--access-log"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, *options], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[2]
        assert address.endswith("/rps/")
        with urllib.request.urlopen(f"{address}?model=rps-recurrence&name=Jane-Doe") as answer:  # noqa: S310
            assert answer.status == 200
            assert "server" not in answer.headers
        process.send_signal(signal.SIGINT)
        written = process.stdout.read()
    assert '"GET /rps/ HTTP/1.1" 200' in written
    assert "Jane-Doe" not in written
    assert "Traceback" not in written
