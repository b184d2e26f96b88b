"""The drugs we know: their classes, codes, names and ingredients."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.meanings import NOTHING, Meanings, load_meanings
from cdshooks.knowledge.names import Name, name_of
from cdshooks.knowledge.seal import DATA

SYSTEMS = {
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
    "rxnorm": "rxnorm",
    "http://www.whocc.no/atc": "atc",
    "http://fhir.de/codesystem/bfarm/atc": "atc",
    "http://fhir.de/codesystem/dimdi/atc": "atc",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "atc": "atc",
    "https://www.cms.gov/medicare/coding/hcpcsreleasecodesets": "hcpcs",
    "http://www.cms.gov/medicare/coding/hcpcsreleasecodesets": "hcpcs",
    "https://www.cms.gov/medicare/coding/medhcpcsgeninfo": "hcpcs",
    "https://www.cms.gov/medicare/coding/medhcpcsgeninfo/index.html": "hcpcs",
    "urn:oid:2.16.840.1.113883.6.285": "hcpcs",
    "http://www.ama-assn.org/go/cpt": "hcpcs",  # CPT is level I of HCPCS, and senders write level II under its name
    "urn:oid:2.16.840.1.113883.6.12": "hcpcs",
    "urn:ama:cpt": "hcpcs",
    "http://terminology.hl7.org/codesystem/hcpcs-all-codes": "hcpcs",
    "hcpcs": "hcpcs",
    "http://snomed.info/sct": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "snomed": "snomed",
    "http://ncithesaurus-stage.nci.nih.gov": "ncit",
    "http://ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl": "ncit",
    "urn:oid:2.16.840.1.113883.3.26.1.1": "ncit",
    "ncit": "ncit",
}
"""Code system, lower-cased and without version -> the column group of the drug table that holds its codes."""


class Drug(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the drug table. ``ingredients`` are the agents that it counts as (Phesgo: two)."""

    agent: AgentId
    drug_class: str
    is_anticancer: bool
    ingredients: tuple[AgentId, ...]
    cycle_days: int | None
    """Days that one dose covers, for infusions and depot injections; None for drugs taken daily."""
    routes: tuple[str, ...]
    rxnorm: str | None


Alternative = tuple[AgentId, ...]
"""The drugs of one of the regimens that a protocol's name may mean."""


class DrugKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """All drugs, with the indexes by which records name them."""

    by_agent: Mapping[AgentId, Drug]
    by_code: Mapping[tuple[str, str], AgentId]
    by_any_code: Mapping[str, AgentId]
    """Codes whose form belongs to one system only, for codings without a system."""
    by_name: Mapping[Name, AgentId]
    unverified_names: frozenset[Name]
    """Names that nobody has read in a source: an agent known by such a name alone is marked."""
    other_names: frozenset[str]
    placeholders: frozenset[Name]
    """Names under which records hide a drug ("see instructions")."""
    protocols: Mapping[Name, tuple[Alternative, ...]]
    """What a protocol's name may mean: all the drugs of each published regimen that is called so."""
    trial_names: frozenset[Name]
    """How records name a drug of a trial without saying which."""
    payload_endings: tuple[str, ...]
    """A word that ends so behind the name of an antibody makes it a conjugate."""
    cancer_endings: tuple[str, ...]
    """How names end that only cancer drugs have, by their INN stems."""
    cancer_atc: tuple[str, ...]
    """How ATC codes of cancer drugs begin."""
    joining: Meanings
    """Words between two drugs of one text."""
    denials: Meanings
    """Words that, before a drug's name, say that it was not given."""
    blinded: Meanings
    """Words beside a drug's name that leave open whether it was the drug or a placebo."""
    not_given: Meanings
    """Words anywhere in a text that say that its drug was not given."""

    def class_of(self, agent: AgentId) -> str:
        """The class of an agent ("her2-adc", "taxane"), "unknown" for one not in the table."""
        drug = self.by_agent.get(agent)
        return drug.drug_class if drug is not None else "unknown"


def load_drugs(overlay: Path | None = None) -> DrugKnowledge:
    """Read the drug tables with a hospital's own rows, which add codes and names or replace an agent's row.

    Raises:
        KnowledgeError: A row is incomplete or names an unknown agent.
    """
    by_agent: dict[AgentId, Drug] = {}
    by_code: dict[tuple[str, str], AgentId] = {}
    by_name: dict[Name, AgentId] = {}
    for line, row in rows_of("drugs", overlay):
        drug = _drug(row, line)
        by_agent[drug.agent] = drug
        for column, system in (
            ("rxnorm_ingredient", "rxnorm"),
            ("rxnorm_other", "rxnorm"),
            ("atc", "atc"),
            ("hcpcs", "hcpcs"),
            ("snomed", "snomed"),
            ("nci_code", "ncit"),
        ):
            for code in split(row.get(column)):
                by_code.setdefault((system, code), drug.agent)
        for name in (drug.agent, *split(row.get("brands"))):
            by_name[name_of(name)] = drug.agent
    for line, row in rows_of("drug_names", overlay):
        agent = AgentId(row["agent"])
        if agent not in by_agent:
            raise KnowledgeError((f"drug_names.csv:{line}: there is no agent {agent!r}",))
        by_name[name_of(row["name"])] = agent
    for line, row in rows_of("drug_codes", overlay):
        agent, system = AgentId(row["agent"]), plain_system(row["system"])
        if agent not in by_agent:
            raise KnowledgeError((f"drug_codes.csv:{line}: there is no agent {agent!r}",))
        by_code[SYSTEMS.get(system, system), row["code"]] = agent
    unverified = frozenset(name_of(row["name"]) for _, row in rows_of("unverified_names", overlay))
    other = frozenset(word for _, row in rows_of("other_drugs", overlay) for word in name_of(row["name"]))
    meanings = load_meanings(rows_of("meanings", overlay))
    trial_names = frozenset(name_of(row["name"]) for _, row in rows_of("trial_drug_names", overlay))
    payload_endings = tuple(sorted({row["ending"] for _, row in rows_of("payload_endings", overlay)}))

    def signs(kind: str) -> tuple[str, ...]:
        return tuple(sorted({row["sign"] for _, row in rows_of("cancer_drug_signs", overlay) if row["kind"] == kind}))

    placeholders = frozenset(name_of(row["name"]) for _, row in rows_of("drug_placeholders", overlay))
    # What a hospital calls so replaces what others do.
    protocols = {**_protocols(None), **_protocols(overlay)} if overlay is not None else _protocols(None)
    # An RxNorm code is a number like many others; only letter-and-digit codes name their system by themselves.
    by_any_code = {code: agent for (_, code), agent in by_code.items() if not code.isdigit()}
    return DrugKnowledge(
        by_agent=by_agent,
        by_code=by_code,
        by_any_code=by_any_code,
        by_name=by_name,
        unverified_names=unverified,
        other_names=other,
        placeholders=placeholders,
        protocols=protocols,
        trial_names=trial_names,
        payload_endings=payload_endings,
        cancer_endings=signs("ending"),
        cancer_atc=signs("atc"),
        joining=meanings.get("drug-joining", NOTHING),
        denials=meanings.get("drug-denied", NOTHING),
        blinded=meanings.get("drug-blinded", NOTHING),
        not_given=meanings.get("drug-not-given", NOTHING),
    )


def _protocols(overlay: Path | None) -> dict[Name, tuple[Alternative, ...]]:
    """Each name of a protocol with all that it may mean, of the shipped table or of an overlay's alone."""
    shipped = sum(1 for _ in rows_of("protocols", None)) if overlay is not None else 0
    found: dict[Name, tuple[Alternative, ...]] = {}
    for _, row in islice(rows_of("protocols", overlay), shipped, None):
        name = name_of(row["protocol"])
        found[name] = (*found.get(name, ()), tuple(AgentId(it) for it in split(row["agents"])))
    return found


def rows_of(table: str, overlay: Path | None) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a code table with their line numbers, the shipped ones first, then the overlay's."""
    for root in (DATA, overlay):
        path = root / "codes" / f"{table}.csv" if root is not None else None
        if path is not None and path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                for row in reader:
                    yield reader.line_num, row


def rests_on_memory(written: str | None) -> bool:
    """Whether a row says of itself that nobody has read it in a source."""
    return (written or "").strip().casefold().startswith(("memory", "unverified"))


def plain_system(written: str | None) -> str:
    """A code system as ``SYSTEMS`` writes it: lower case, without version."""
    return (written or "").partition("|")[0].rstrip("/").casefold()


def known_system(written: str | None) -> str | None:
    """The column group of a code system; senders agree on the last part of an address ("…/codesystem/hcpcs"), not on the rest."""
    plain = plain_system(written)
    return SYSTEMS.get(plain) or SYSTEMS.get(plain.rpartition("/")[2])


def split(cell: str | None) -> tuple[str, ...]:
    """The parts of a cell that holds a list separated by ``|``."""
    return tuple(part.strip() for part in (cell or "").split("|") if part.strip())


def _drug(row: dict[str, str], line: int) -> Drug:
    agent, drug_class = row.get("agent", "").strip(), row.get("class", "").strip()
    if not agent or not drug_class:
        raise KnowledgeError((f"drugs.csv:{line}: a drug needs an agent and a class",))
    cycle = row.get("cycle_days") or ""
    return Drug(
        agent=AgentId(agent),
        drug_class=drug_class,
        is_anticancer=row.get("is_anticancer") == "true",
        ingredients=tuple(AgentId(it) for it in split(row.get("ingredients"))) or (AgentId(agent),),
        cycle_days=int(cycle) if cycle else None,
        routes=split(row.get("routes")),
        rxnorm=row.get("rxnorm_ingredient") or None,
    )
