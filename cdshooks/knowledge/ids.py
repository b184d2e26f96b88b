"""The identifiers that the clinical knowledge and everything above it share."""

from typing import NewType

AgentId = NewType("AgentId", str)
"""A drug, as in the ``agent`` column of the drug table: "trastuzumab deruxtecan", "investigational"."""

FactId = NewType("FactId", str)
"""What a criterion asks for: "lvef_percent", "her2"."""

CriterionId = NewType("CriterionId", str)
"""A condition on an option or a trial: "ILD_TDXD_SYMPT", "I12"."""

RegimenId = NewType("RegimenId", str)
"""A regimen we may show: "tucatinib_trastuzumab_capecitabine"."""

LineRuleId = NewType("LineRuleId", str)
"""A named line-of-therapy rule: "R9-new-agent"."""

SourceId = NewType("SourceId", str)
"""A citation in ``data/sources.yaml``."""

ResourceRef = NewType("ResourceRef", str)
"""A FHIR resource as evidence: "MedicationRequest/r1"."""
