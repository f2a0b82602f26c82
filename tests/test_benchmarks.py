"""That what is measured can still be measured: the benchmarks run, whatever their figures are on this machine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_cards_of_an_ehr_can_be_measured(artefact_folder: Path) -> None:
    """Issue 5: CDS Hooks beside the stateless JSON endpoint, in one run, one and four at a time."""
    command = [sys.executable, "-m", "benchmarks.hooks", "--model", str(artefact_folder)]
    size = ["--rounds", "1", "--requests", "4", "--allowed", "1000000"]  # however slow this machine is
    run = subprocess.run([*command, *size], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert run.stdout.count("JSON interface") == run.stdout.count("card, record is read") == 2
