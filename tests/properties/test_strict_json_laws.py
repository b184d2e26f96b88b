"""Laws of strict JSON: brackets, quotes and backslashes inside strings neither hide nor feign depth or a second member."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.strict_json import check_json

DEEPEST = 64
TEXTS = st.text(st.sampled_from('[]{}"\\\n:0a é'), max_size=12)
LEAVES = st.one_of(TEXTS, st.integers(), st.booleans(), st.none())


def is_refused(body: bytes) -> bool:
    try:
        check_json(body)
    except BadHookRequestError:
        return True
    return False


def nested(leaf, depth, draw_list):
    for at in range(depth):
        leaf = [leaf, draw_list] if at % 2 else {draw_list or "k": leaf}
    return leaf


@settings(max_examples=150, deadline=None)
@given(LEAVES, TEXTS, st.integers(DEEPEST - 3, DEEPEST + 3), st.booleans())
def test_what_is_nested_deeper_than_allowed_is_refused_and_nothing_else(leaf, text, depth, ascii_only):
    body = json.dumps(nested(leaf, depth, text), ensure_ascii=ascii_only).encode()
    assert is_refused(body) is (depth > DEEPEST)


@settings(max_examples=100, deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_second_member_of_one_name_is_refused_however_it_is_written(name, other, value):
    member = f"{json.dumps(name)}: {json.dumps(value)}"
    disguised = "".join(f"\\u{ord(it):04x}" for it in name)
    assert is_refused(f'{{"a": {{{member}, "{disguised}": 1}}}}'.encode())
    assert is_refused(f"{{{member}, {json.dumps(other)}: 1}}".encode()) is (name == other)


@pytest.mark.parametrize(("digits", "refused"), [(999, False), (1000, True)])
@pytest.mark.parametrize("number", ["{}", "0.{}", "1e{}", "-{}"])
def test_a_number_of_more_digits_than_any_reader_needs_is_refused(digits, refused, number):
    padding = len(number) - len("{}")
    body = f'{{"n": [{number.format("1" * (digits - padding))}]}}'.encode()
    assert is_refused(body) is refused
