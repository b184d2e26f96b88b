"""Words are found wherever they stand whole, however the pattern that looks for them is made. Source: terminology 13."""

import re

from hypothesis import given
from hypothesis import strategies as st

from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.meanings import load_meanings

ROWS = [row for _, row in rows_of("meanings", None)]
MEANINGS = load_meanings(rows_of("meanings", None))


def written(words):
    """The row as its table explains it: words whole, ``*`` any rest, a blank anything between words, ``=`` these capitals."""
    inner = r"[\s,:/-]+".join(re.escape(it).replace(r"\*", r"\w*") for it in words.lstrip("=").split())
    return rf"(?<!\w)(?-i:{inner})(?!\w)" if words.startswith("=") else rf"(?<!\w){inner}(?!\w)"


@st.composite
def a_meaning_and_a_text(draw):
    reader = draw(st.sampled_from(sorted(MEANINGS)))
    meaning = draw(st.sampled_from([it for it, _ in MEANINGS[reader].known]))
    listed = [row["words"] for row in ROWS if (row["reader"], row["meaning"]) == (reader, meaning)]
    spoken = st.sampled_from(listed).map(lambda it: it.lstrip("=").replace("*", "s"))
    joined = st.sampled_from([" ", "", ", ", "-", "x", "1", ". ", "\u00e9", "\u0131", "\u017f"])
    parts = st.one_of(spoken, spoken.map(str.upper), spoken.map(str.title), joined, st.text(max_size=3))
    return reader, meaning, listed, "".join(draw(st.lists(parts, max_size=12)))


@given(a_meaning_and_a_text())
def test_words_are_found_as_each_row_alone_would_find_them(drawn):
    reader, meaning, listed, text = drawn
    plain = re.compile("|".join(map(written, listed)), re.IGNORECASE)
    whole = MEANINGS[reader].whole(meaning)
    assert [it.span() for it in whole.finditer(text)] == [it.span() for it in plain.finditer(text)]
    inside = re.compile(MEANINGS[reader].pattern(meaning), re.IGNORECASE)
    open_ended = re.compile("|".join(written(it).removesuffix(r"(?!\w)") for it in listed), re.IGNORECASE)
    assert [it.span() for it in inside.finditer(text)] == [it.span() for it in open_ended.finditer(text)]
