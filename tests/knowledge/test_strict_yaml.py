"""YAML without guesses: what is not plainly a number, true, false or null stays text."""

import pytest

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.strict_yaml import read_yaml


@pytest.fixture
def read(tmp_path):
    def read_text(text):
        path = tmp_path / "sample.yaml"
        path.write_text(text, encoding="utf-8")
        return read_yaml(path)

    return read_text


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("2026-01-05", "2026-01-05"),
        ("12:30:00", "12:30:00"),
        ("0x1F", "0x1F"),
        ("1e3", "1e3"),
        (".inf", ".inf"),
        ("010", "010"),
        ("3", 3),
        ("-2.5", -2.5),
        ("true", True),
        ("null", None),
        ("'no'", "no"),
        ('"3"', "3"),
    ],
)
def test_a_value_has_the_type_it_was_written_with(read, written, value):
    document, _ = read(f"value: {written}\n")
    assert document == {"value": value}
    assert type(document["value"]) is type(value)


@pytest.mark.parametrize("written", ["yes", "No", "ON", "off", "y"])
def test_words_that_yaml_readers_take_for_truth_values_are_refused_bare(read, written):
    with pytest.raises(KnowledgeError, match=r"sample\.yaml:2: put"):
        read(f"first: 1\nvalue: {written}\n")
    with pytest.raises(KnowledgeError, match=r"sample\.yaml:1: put the key"):
        read(f"{written}: 1\n")


def test_a_key_that_stands_twice_is_refused_with_its_line(read):
    with pytest.raises(KnowledgeError, match=r"sample\.yaml:3: the key 'id' stands here twice"):
        read("id: a\nname: b\nid: c\n")


def test_text_that_is_no_yaml_is_refused_with_its_line(read):
    with pytest.raises(KnowledgeError, match=r"sample\.yaml:\d+: this is not YAML"):
        read("list: [1, 2\nother: 3\n")


def test_each_value_knows_its_line(read):
    _, lines = read("entries:\n- id: a\n  name: b\n- id: c\n")
    assert lines["entries", 0] == 2
    assert lines["entries", 0, "name"] == 3
    assert lines["entries", 1, "id"] == 4
