"""The model's own words: all there, and the same after a journey through the file."""

from __future__ import annotations

from model.fitted import Model
from training.published.description import default_description


def test_the_words_of_the_description_come_back_from_the_file(model: Model) -> None:
    """E1, E11, E15 and E27: outcome, time origin, whom it was made from and whom it is not for."""
    description, about = default_description(), model.about
    for name in ("title", "origin", "time_zero", "outcome", "made_from", "data_period", "reconstructed"):
        assert getattr(about, name) == description[name]
    assert list(about.not_for) == description["not_for"]
    assert list(about.cautions) == description["cautions"]


def test_the_default_model_says_that_it_was_not_made_from_patients(model: Model) -> None:
    """DESIGN §2: fitted on cohorts reconstructed from published figures, and says so."""
    assert model.about.reconstructed
    assert "not fitted on patient records" in model.about.made_from


def test_what_is_not_asked_has_its_reason_in_every_stratum(model: Model) -> None:
    """DESIGN §6: the page says why, chemotherapy and radiotherapy included."""
    assert set(model.about.not_asked) == set(model.strata)
    for reasons in model.about.not_asked.values():
        assert any("Chemotherapy and radiotherapy" in item.label for item in reasons)
        assert all(item.reason.endswith(".") for item in reasons)


def test_whom_the_model_has_not_seen_is_named(model: Model) -> None:
    """E27: every group of the list."""
    words = " ".join((*model.about.not_for, *model.about.cautions)).lower()
    for group in (
        "second or later recurrence",
        "incomplete",
        "desmoid",
        "angiomyolipoma",
        "gastrointestinal stromal tumour",
        "gut",
        "mesentery",
        "uterine leiomyosarcoma",
        "paratesticular",
        "spermatic cord",
        "ewing",
        "rhabdomyosarcoma",
        "radiation-induced",
        "paraganglioma",
        "well-differentiated liposarcoma",
    ):
        assert group in words
