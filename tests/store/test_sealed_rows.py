"""What is sealed opens with its reference, for its purpose, at its service, once; from the store alone nothing is read."""

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from cdshooks.store.sealed_rows import forget_row, keep_row, look_at_row, take_row
from cdshooks.store.sealing import row_of, seal, unseal
from tests.store_samples import NOW

KEY, OTHER_KEY = b"k" * 64, b"o" * 64
SOON = NOW + timedelta(minutes=10)
AT_ONCE = 8


def kept(store, content=b"CANARY", expires_at=SOON, now=NOW):
    sealed = seal(KEY, "test", content)
    keep_row(store, row=sealed.row, box=sealed.box, expires_at=expires_at, now=now)
    return sealed


def test_the_reference_opens_the_content(store):
    sealed = kept(store)
    row = row_of(KEY, "test", sealed.reference)
    assert unseal(KEY, "test", sealed.reference, take_row(store, row=row, now=NOW)) == b"CANARY"


def test_it_opens_once_however_many_try_at_once(store):
    store.prepare()
    sealed, taken, start = kept(store), [], threading.Barrier(AT_ONCE)

    def take():
        start.wait()
        taken.append(take_row(store, row=sealed.row, now=NOW))

    threads = [threading.Thread(target=take) for _ in range(AT_ONCE)]
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    assert sorted(it is None for it in taken) == [False] + [True] * (AT_ONCE - 1)


def test_it_does_not_open_when_its_time_is_over_and_is_then_gone(store):
    sealed = kept(store)
    assert look_at_row(store, row=sealed.row, now=SOON) is None
    kept(store, now=SOON, expires_at=SOON + timedelta(minutes=10))
    assert look_at_row(store, row=sealed.row, now=NOW) is None


def test_looking_leaves_it_and_forgetting_does_not(store):
    sealed = kept(store)
    assert look_at_row(store, row=sealed.row, now=NOW) == look_at_row(store, row=sealed.row, now=NOW) == sealed.box
    forget_row(store, row=sealed.row)
    assert look_at_row(store, row=sealed.row, now=NOW) is None


@pytest.mark.parametrize(
    ("key", "purpose", "changed"),
    [
        (OTHER_KEY, "test", lambda it: it),
        (KEY, "other", lambda it: it),
        (KEY, "test", lambda it: f"{int(it, 16) ^ 1:064x}"),
        (KEY, "test", lambda it: f"{int(it, 16) ^ (1 << 255):064x}"),
    ],
    ids=["another service", "another purpose", "last bit", "first bit"],
)
def test_another_key_purpose_or_reference_finds_no_row_and_opens_no_box(key, purpose, changed):
    sealed = seal(KEY, "test", b"CANARY")
    reference = changed(sealed.reference)
    assert row_of(key, purpose, reference) != sealed.row
    assert unseal(key, purpose, reference, sealed.box) is None


@pytest.mark.parametrize(
    "changed", [str.upper, lambda it: it[:-1], lambda it: it + "0", lambda it: it[:-1] + "\n", lambda _: ""]
)
def test_a_reference_is_written_in_one_way_only(changed):
    sealed = seal(KEY, "test", b"x")
    assert row_of(KEY, "test", changed(sealed.reference)) is None


def test_a_changed_box_does_not_open():
    sealed = seal(KEY, "test", b"CANARY")
    for place in (0, len(sealed.box) - 1):
        box = bytearray(sealed.box)
        box[place] ^= 1
        assert unseal(KEY, "test", sealed.reference, bytes(box)) is None


def test_neither_content_nor_reference_stand_in_the_store(store):
    sealed = kept(store)
    with store.reading() as connection:
        row = connection.execute(sa.text("SELECT * FROM sealed_rows")).one()
    text = repr([bytes(it) if isinstance(it, memoryview) else it for it in row])
    assert "CANARY" not in text
    assert sealed.reference not in text
