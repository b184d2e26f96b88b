"""What goes wrong between a treatment and its record; each fault says whether the truth can still be told from what is left."""

from __future__ import annotations

FAULTS: dict[str, str] = {
    "metastatic date recorded late": "the diagnosis was typed in months later, without onset; the biopsy is dated",
    "metastatic condition without onset": "only the day of recording is known",
    "missing cycles": "a quarter of the doses were not documented",
    "planned, not given": "an infusion was ordered in the middle of a line and never given",
    "entered in error": "twins of other drugs, marked as entered in error",
    "doses not done": "administrations that did not happen, and cancelled orders",
    "orders never closed": "no order has an end or a final status",
    "text only": "no drug is coded",
    "misspelt": "no drug is coded, and names of eight letters or more are typed with a wrong one",
    "biosimilars": "trastuzumab changes its brand with every tender",
    "subcutaneous trastuzumab": "trastuzumab goes from the vein to the skin and back",
    "Phesgo": "both antibodies become one fixed-dose product",
    "month-only dates": "statements that know the month",
    "no status reasons": "nobody wrote why a drug was stopped",
    "supportive drugs": "bone agents, growth factors, steroids, antiemetics",
    "duplicate sources": "every course told by administrations, orders and a statement",
    "shuffled": "resources in no order, the same one sent twice",
    "cycles late": "doses come days earlier or later than planned",
    "drugs on neighbouring days": "partners are given a day apart",
    "two systems": "a second system sends every dose again, a day later and in words",
    "drugs by reference": "each drug is a Medication resource of its own",
    "ovarian suppression": "goserelin every four weeks beside all lines",
    "orders only for tablets": "no dispense and no end for any oral drug but its last prescription",
    "dispenses with gaps": "oral drugs known from dispenses, filled late",
    "statements only": "one statement per course; no dose is documented",
    "year-only dates": "statements that know the year",
    "misspelt brands": "no drug is coded, and brands of six or seven letters are typed with a wrong one",
    "first lines elsewhere": "the record begins with a later line",
    "a year missing": "no treatment of one year came over",
    "no metastatic diagnosis": "nobody coded the metastases",
}
LOST = frozenset(
    {"misspelt brands", "year-only dates", "first lines elsewhere", "a year missing", "no metastatic diagnosis"}
)
"""Faults after which the truth can no longer be told from the record."""
FAULT_RIVALS: tuple[frozenset[str], ...] = (
    frozenset({"metastatic date recorded late", "metastatic condition without onset", "no metastatic diagnosis"}),
    frozenset({"text only", "misspelt", "misspelt brands"}),
    frozenset({"first lines elsewhere", "a year missing"}),
    frozenset({"biosimilars", "subcutaneous trastuzumab", "Phesgo"}),
    frozenset({"month-only dates", "year-only dates", "statements only", "missing cycles"}),
    frozenset({"month-only dates", "year-only dates", "statements only", "orders never closed", "duplicate sources"}),
    frozenset(
        {
            "month-only dates",
            "year-only dates",
            "statements only",
            "cycles late",
            "drugs on neighbouring days",
            "two systems",
        }
    ),
    frozenset(
        {"month-only dates", "year-only dates", "statements only", "orders only for tablets", "dispenses with gaps"}
    ),
    frozenset({"month-only dates", "year-only dates", "statements only", "planned, not given"}),
)
"""Faults that cannot meet in one record."""
