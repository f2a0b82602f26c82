"""Write ``docs/vectors``: a small example model and 1,000 worked inputs, to check another implementation against.

    python -m benchmarks.vectors

The model is fitted on four cohorts for each pattern so that its file stays small. It is an example of the arithmetic
and of nothing else; ``rps-prognosis vectors`` writes the same for any model folder.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from model.artefact import MODEL, digest_of, read_artefact
from model.document import read_model
from training.published.default_model import train_default
from training.vectors import vectors

FOLDER = Path(__file__).parent.parent / "docs" / "vectors"
COUNT, SEED, RECONSTRUCTIONS = 1000, 1, 4


def main() -> None:
    """Train, rename, predict."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "model"
        train_default(folder, seed=SEED, reconstructions=RECONSTRUCTIONS)
        read_artefact(folder)
        document = json.loads((folder / MODEL).read_bytes())
    document["name"] = "example"
    document["about"]["title"] = "An example for checking an implementation; not for patients"
    content = (json.dumps(document, ensure_ascii=False) + "\n").encode()
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / MODEL).write_bytes(content)
    model = read_model(document, digest_of(content))
    lines = [json.dumps(pair) + "\n" for pair in vectors(model, COUNT, SEED)]
    (FOLDER / "vectors.jsonl").write_text("".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
