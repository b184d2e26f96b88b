"""How EHRs name the drugs of a plan: generic names, brands, biosimilars, codes. Codes: RxNorm ingredients and WHO ATC."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Product:
    rxnorm: str | None
    atc: str | None
    texts: tuple[str, ...]


PRODUCTS: dict[str, Product] = {
    "trastuzumab": Product("224905", "L01FD01", ("trastuzumab", "Herceptin 440 mg", "trastuzumab IV")),
    "pertuzumab": Product("1298944", "L01FD02", ("pertuzumab", "Perjeta 420 mg/14 mL")),
    "trastuzumab emtansine": Product(
        "1371041", "L01FD03", ("ado-trastuzumab emtansine", "Kadcyla", "T-DM1", "trastuzumab emtansine")
    ),
    "trastuzumab deruxtecan": Product(
        "2267574", "L01FD04", ("fam-trastuzumab deruxtecan-nxki", "Enhertu 100 mg", "T-DXd", "trastuzumab deruxtecan")
    ),
    "margetuximab": Product("2473851", "L01FD06", ("margetuximab-cmkb", "Margenza")),
    "zanidatamab": Product("2698198", "L01FD07", ("zanidatamab-hrii", "zanidatamab")),
    "tucatinib": Product("2361285", "L01EH03", ("tucatinib", "Tukysa 150 mg tablet")),
    "lapatinib": Product("480167", "L01EH01", ("lapatinib", "Tykerb 250 mg tablet")),
    "neratinib": Product("1940643", "L01EH02", ("neratinib", "Nerlynx 40 mg tablet")),
    "paclitaxel": Product("56946", "L01CD01", ("paclitaxel", "Taxol")),
    "nab-paclitaxel": Product(None, "L01CD01", ("nab-paclitaxel", "Abraxane", "paclitaxel protein-bound")),
    "docetaxel": Product("72962", "L01CD02", ("docetaxel", "Taxotere")),
    "vinorelbine": Product("39541", "L01CA04", ("vinorelbine", "Navelbine")),
    "eribulin": Product("1045453", "L01XX41", ("eribulin", "Halaven")),
    "capecitabine": Product("194000", "L01BC06", ("capecitabine", "Xeloda 500 mg tablet")),
    "gemcitabine": Product("12574", "L01BC05", ("gemcitabine", "Gemzar")),
    "carboplatin": Product("40048", "L01XA02", ("carboplatin",)),
    "doxorubicin": Product("3639", "L01DB01", ("doxorubicin", "Adriamycin")),
    "epirubicin": Product("3995", "L01DB03", ("epirubicin",)),
    "cyclophosphamide": Product("3002", "L01AA01", ("cyclophosphamide", "Cytoxan")),
    "tamoxifen": Product("10324", "L02BA01", ("tamoxifen", "tamoxifen 20 mg tablet")),
    "letrozole": Product("72965", "L02BG04", ("letrozole", "Femara 2.5 mg")),
    "anastrozole": Product("84857", "L02BG03", ("anastrozole", "Arimidex 1 mg")),
    "exemestane": Product("258494", "L02BG06", ("exemestane", "Aromasin 25 mg")),
    "fulvestrant": Product("282357", "L02BA03", ("fulvestrant", "Faslodex 500 mg")),
    "palbociclib": Product("1601374", "L01EF01", ("palbociclib", "Ibrance 125 mg")),
    "abemaciclib": Product("1946825", "L01EF03", ("abemaciclib", "Verzenio 150 mg")),
    "investigational": Product(
        None,
        None,
        (
            "Investigational agent (study drug), clinical trial",
            "Study drug, blinded",
            "Investigational product",
            "Prüfmedikation, klinische Studie",
            "Pruefmedikation",
        ),
    ),
}

BIOSIMILARS = (
    "trastuzumab-dkst (Ogivri)",
    "trastuzumab-qyyp (Trazimera)",
    "trastuzumab-anns (Kanjinti)",
    "Herzuma 150 mg",
    "Ontruzant",
)
SUBCUTANEOUS = ("Herceptin Hylecta", "trastuzumab 600 mg subcutaneous", "Herceptin SC 600 mg/5 ml")
PHESGO = ("Phesgo 600 mg/600 mg subcutaneous", "pertuzumab/trastuzumab/hyaluronidase-zzxf")
SUPPORTIVE = (
    ("zoledronic acid", "77655", 28),
    ("pegfilgrastim", "338036", 21),
    ("dexamethasone", "3264", 21),
    ("ondansetron", "26225", 21),
    ("denosumab", "993449", 28),
)


SHORT_BRANDS = {
    "pertuzumab": "Perjeta",
    "trastuzumab emtansine": "Kadcyla",
    "trastuzumab deruxtecan": "Enhertu",
    "tucatinib": "Tukysa",
    "neratinib": "Nerlynx",
    "lapatinib": "Tykerb",
    "capecitabine": "Xeloda",
    "letrozole": "Femara",
}
_LONG, _SHORT = 8, 6


def misspelt(text: str, at: int, *, shortest: int = _LONG) -> str:
    """One letter of the longest word left out or swapped with the next, as in a typed note; short words are left alone.

    A slip in a brand of six or seven letters can name another drug, so that is a fault of its own.
    """
    word = max(text.split(), key=len)
    if len(word) < shortest:
        return text
    spot = 2 + at % (len(word) - 4)
    swapped = word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]
    wrong = word[:spot] + word[spot + 1 :] if at % 2 or swapped == word else swapped
    return text.replace(word, wrong)


def misspelt_brand(agent: str, otherwise: str, at: int) -> str:
    """A short brand with a wrong letter, where the drug has one."""
    return misspelt(SHORT_BRANDS[agent], at, shortest=_SHORT) if agent in SHORT_BRANDS else otherwise
