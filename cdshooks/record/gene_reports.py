"""A loss of DPYD activity that only the text of a report tells. What a report calls normal is left to the test itself."""

from __future__ import annotations

from collections.abc import Iterator

from cdshooks.ehr.resources import DiagnosticReport, Resources
from cdshooks.knowledge.clauses import STATEMENT_END
from cdshooks.record.dates import reported_on
from cdshooks.record.model import Biomarker
from cdshooks.record.running_text import texts_of_report
from cdshooks.record.terms import RecordTerms, texts_of

_GENE = "dpyd"
_LOST = ("poor", "intermediate")
"""The activity that makes a fluoropyrimidine harmful, the least first; "normal" in running text settles nothing."""


def read_gene_reports(resources: Resources, terms: RecordTerms) -> Iterator[Biomarker]:
    """The least activity that a report tells: in all of its text if its name is that of the gene, else where it names the gene."""
    phenotype, denial = terms.meanings(_GENE), terms.meanings("denial")
    for held in resources.each("DiagnosticReport"):
        report = held.resource
        if not isinstance(report, DiagnosticReport) or report.status in {"entered-in-error", "cancelled"}:
            continue
        is_on_gene = terms.gene_in_words(" ".join(texts_of(report.code))) == _GENE
        statements = (it for text in texts_of_report(report) for it in STATEMENT_END.split(text))
        told = [it for it in statements if is_on_gene or terms.gene_in_words(it) == _GENE]
        said = {phenotype.first(terms.without_genes(it)) for it in told if denial.first(it) is None}
        value = next((it for it in _LOST if it in said), None)
        if value is not None:
            day = reported_on(report)
            yield Biomarker(marker=_GENE, value=value, date=day, evidence=(held.ref,))
