"""What words say of HER2, ER and PR: score, status, ISH result; and the names of the three."""

from __future__ import annotations

import re

from cdshooks.ehr.remembered import remembered
from cdshooks.knowledge.receptors import ReceptorRules
from cdshooks.record.numbers import number_in
from cdshooks.record.terms import RecordTerms

SCORES = frozenset({"0", "1+", "2+", "3+"})
_POLARITIES = ("positive", "negative")
_READERS = ("ahead", "comparison", "denial", "finding", "low-alone", "ratio", "score")
_NUMBER = r"\d+(?:[.,]\d+)?"
_PART = r"\d{1,3}(?:[.,]\d+)?"
"""A number that can be a share in percent."""
_NAMES = ("her2", "er", "pr", "hr")
_SIGN_OR_NUMBER = r"(?:\s?\(\s*)?(?:\+|[-\u2212\u2013](?!\w|\s*\d))|[:=(\s]{0,3}[<>]?\s*\d{1,3}(?:[.,]\d+)?\s*%"
_HER2_MARKER, _HER2_NAME = "her2", "HER2"
_LOOKED_AT = 40


class ReceptorWords:
    """Reads words under one set of limits; what a text says is remembered.

    ``named_test``: which receptor test the name of an observation is. ``names``: how each receptor is named; ``hr`` is the hormone
    receptors together.
    """

    def __init__(self, terms: RecordTerms, rules: ReceptorRules) -> None:
        self.rules, self._terms = rules, terms
        words = {reader: terms.meanings(f"receptor-{reader}") for reader in _READERS}
        denial, finding = words["denial"].pattern("no"), words["finding"].pattern("finding")
        more, less = words["comparison"].pattern("more"), words["comparison"].pattern("less")
        self._denied = _pattern(rf"{denial}[\s-]+(?:\w+[\s-]+){{0,2}}?{finding}")
        self._comparison = _pattern(rf"(?:(?P<more>{more}|>=?)|{less}|<=?)\s*(?P<number>{_NUMBER})(?![\d.,]*\s*%)")
        self._percent = _pattern(
            rf"(?:(?P<below>{less}|<(?!=))|(?P<most><=|\u2264)|(?P<above>{more}|[>\u2265]=?))?[\s'\u2019=]*"
            rf"(?P<range>{_PART}\s*%?\s*[-\u2013]\s*<?\s*)?(?P<number>{_PART})\s*(?:%|{terms.meanings('percent').pattern('percent')})"
        )
        self._number_alone = _pattern(rf"^\W*(?:{less}|{more})?\s*{_NUMBER}\W*$")
        self._ratio = _pattern(rf"{words['ratio'].pattern('ratio')}[^0-9<>]{{0,20}}({_NUMBER})")
        self._ihc = _pattern(
            r"(?<![\d.+/])(?<!\d[-\u2013])([0-3])\s*\+(?!\s*/?\s*\d)|(?<![\d.])\+([1-3])\b|^\s*([0-3])\s*$"
            rf"|{words['score'].pattern('score')}[^0-9]{{0,12}}([0-3])(?![\d.%])"
        )
        self._low_alone = _pattern(rf"^\s*{words['low-alone'].pattern('low')}\s*$")
        self._ahead = {it: _pattern(words["ahead"].pattern(it) + r"\s+[\w\s,/-]{0,30}$") for it in _POLARITIES}
        self.named_test = remembered(self._named_test)
        named = terms.meanings("receptor-name")
        short = terms.meanings("receptor-name-short")
        said = rf"(?:{_SIGN_OR_NUMBER}|[:=(\s-]{{0,3}}(?:{terms.meanings('receptor-polarity').either()}))"
        self.names = tuple((it, _either(named.whole(it), short.pattern(it), said)) for it in _NAMES)
        self._alone = {it: _pattern(rf"^\W*{short.pattern(it)}\W*$") for it in ("er", "pr")}
        method = terms.meanings("receptor-method").pattern("ish")
        self._ish_sign = _pattern(rf"{method}\s?(?P<sign>[+\u2212\u2013-])(?=\s*(?:$|[).,;/]))")
        other = terms.meanings("receptor-other-sense").pattern("other")
        said_of = terms.meanings("receptor-polarity").either()
        self._other_sense = _pattern(rf"[\s,:()]*(?:-(?=\w))?(?:(?:{said_of})\s+)?{other}(?!\w)")
        self._remembered_status = remembered(self._status)

    def status(self, text: str, kind: str) -> str | None:
        """A status, a score, or both joined by ``|`` ("2+|amplified"), for one kind of test; None when the text gives none."""
        return self._remembered_status((text, kind)) if text else None

    def percent(self, text: str, *, is_percent: bool = False) -> tuple[float | None, str | None]:
        """The first share of stained cells in a text with the sign before it ("<1 %", "less than 1 %").

        None where its ends lie on both sides of the limit ("0-1 %"), and for a number of another scale ("Allred 7").
        ``is_percent``: the test is told in percent, so that a number standing alone is one.
        """
        alone = is_percent and "%" not in text and self._number_alone.search(text)
        found = self._percent.search(f"{text} %" if alone else text)
        number = number_in(found["number"]) if found is not None else None
        if found is None or number is None:
            return None, None
        least = number_in(found["range"]) if found["range"] else 0.0 if found["most"] else number
        limit = self.rules.hormone_receptor_positive
        if least is not None and least < limit <= number and not found["below"]:
            return None, None
        return number, "<" if found["below"] else ">" if found["above"] else None

    def is_percent(self, unit: str) -> bool:
        """Whether a unit is a share in percent: a score (Allred, IRS, H) is none, nor is a fraction of one."""
        return "%" in unit or self._has("percent", unit)

    def is_of_another_test(self, text: str) -> bool:
        """Whether the words beside a HER2 code speak of another test. Source: terminology 11 (85319-2)."""
        return self._has("receptor-other-test", text) and not self._names(_HER2_MARKER, text)

    def is_other_sense(self, behind: str) -> bool:
        """Whether the words behind a short name make it another one: "PR interval", "ER visit", "RE: negative margins"."""
        return self._other_sense.match(behind) is not None

    def is_pending(self, text: str) -> bool:
        """Whether words say that a result is still to come."""
        return self._has("receptor-pending", text)

    def side(self, text: str) -> str | None:
        """The side of the body that words name; None when they name none or both."""
        sides = self._terms.meanings("side").of(text)
        return sides[0] if len(sides) == 1 else None

    def _names(self, marker: str, text: str) -> bool:
        return self._terms.meanings("receptor-name").has(marker, text)

    def _has(self, reader: str, text: str) -> bool:
        return self._terms.meanings(reader).first(text) is not None

    def _named_test(self, text: str) -> str | None:
        if self._names(_HER2_MARKER, text):
            if self._has("receptor-elsewhere", text):
                return None
            return f"her2-{self._method(text) or 'summary'}"
        for marker in _NAMES[1:]:
            if (self._names(marker, text) and not self._has("receptor-other-sense", text)) or (
                marker in self._alone and self._alone[marker].search(text)
            ):
                return f"{marker}-percent" if "%" in text or self._has("percent", text) else marker
        return None

    def _status(self, said: tuple[str, str]) -> str | None:
        text, kind = said
        if kind in {"ihc", "summary", "ish"}:
            ish = self._ish(text)
            speaks_of_ish = self.is_of_ish(text)
            score = self._ihc.search(text) if kind != "ish" else None
            if score:
                level = next(it for it in score.groups() if it is not None)
                ihc = "0" if level == "0" else f"{level}+"
                return f"{ihc}|{ish}" if ish and speaks_of_ish else ihc
            if kind == "ish" or speaks_of_ish:
                return ish
        category = self._category(text)
        if category is not None or self._low_alone.search(text):
            return category or "low"
        if self._has("receptor-equivocal", text):
            return "equivocal"
        return self._polarity(text)

    def _polarity(self, text: str) -> str | None:
        """Positive or negative; the negative word counts where there are both, and a finding that is denied is one."""
        return "negative" if self._denied.search(text) else self._terms.meanings("receptor-polarity").first(text)

    def _method(self, text: str) -> str | None:
        return self._terms.meanings("receptor-method").first(text)

    def _ish(self, text: str) -> str | None:
        """What words say of ISH: amplified, not-amplified, equivocal; None when it is pending or not spoken of."""
        comparison = self._comparison.search(text)
        if comparison:
            number = number_in(comparison["number"])
            is_more = comparison["more"] is not None
            if number is not None and is_more and number >= self.rules.ish_ratio_amplified:
                return "amplified"
            if number is not None and not is_more and number <= self.rules.ish_ratio_amplified:
                return "not-amplified"
        if self._has("receptor-pending", text):
            return None
        polarity = self._polarity(text)
        sign = self._ish_sign.search(text)
        if sign is not None:
            polarity = "positive" if sign["sign"] == "+" else "negative"
        if polarity is not None:
            return "amplified" if polarity == "positive" else "not-amplified"
        ratio = self._ratio.search(text)
        if ratio:
            return self.rules.ish_of(number_in(ratio.group(1)), None, None)
        return "equivocal" if self._has("receptor-equivocal", text) else None

    def category(self, text: str) -> str | None:
        """The category that follows the name HER2 directly: low ("HER2-low") or ultralow."""
        return self._category(f"{_HER2_NAME} {text[:_LOOKED_AT]}")

    def _category(self, text: str) -> str | None:
        if self._has("receptor-ultralow", text):
            return "ultralow"
        return "low" if self._has("receptor-low", text) else None

    def ahead(self, text: str) -> str | None:
        """What the words before a name say of it: "positive for ER and HER2"."""
        return next((it for it, ahead in self._ahead.items() if ahead.search(text)), None)

    def is_of_ish(self, text: str) -> bool:
        """Whether words speak of an in situ hybridisation."""
        return self._method(text) == "ish"


def compatible(coded: str, worded: str) -> bool:
    """Whether the code and the words of one value can both be true."""
    groups = {
        "positive": {"positive", "3+", "2+|amplified", "3+|amplified", "amplified"},
        "negative": {
            "negative",
            "0",
            "1+",
            "low",
            "2+|not-amplified",
            "1+|not-amplified",
            "0|not-amplified",
            "not-amplified",
        },
    }
    if coded in SCORES and worded[:2].strip("|") in SCORES:
        return worded.partition("|")[0] == coded
    for one, other in (("positive", "negative"), ("negative", "positive")):
        if coded in groups[one] and worded in groups[other]:
            return False
    return not (coded in {"positive", "negative"} and worded == "equivocal")


def _either(whole: re.Pattern[str], short: str, said: str) -> re.Pattern[str]:
    """A receptor's name; a short one, which is a word of its own too, only where its status follows at once ("RE 90 %", "HR+")."""
    return _pattern(rf"{whole.pattern}|{short}(?!\w)(?={said})")


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
