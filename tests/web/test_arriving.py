"""When a request has arrived whole, however it is cut into pieces. Source: INP-01, INP-06, INP-08."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdshooks.web.arriving import LONGEST_HEAD, Arrival

MOST = 1000
POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = {
    "no body": b"GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    "a body": POST + b"Content-Length: 5\r\n\r\nhello",
    "as much body as there may be": POST + b"content-length: 1000\r\n\r\n" + b"x" * 1000,
    "chunks": CHUNKED + b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\n\r\n",
    "chunks and a trailer": CHUNKED + b"1\r\na\r\n0\r\nX: y\r\n\r\n",
}
HANDED_ON = {
    "a body over the limit, to be answered 413": POST + b"Content-Length: 1001\r\n\r\n",
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a length and chunks": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: +5\r\n\r\n",
    "a length of many digits": POST + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "a chunk without a size": CHUNKED + b"x\r\n",
    "a chunk line without end": CHUNKED + b"1;" + b"a" * 9000,
    "a trailer without end": CHUNKED + b"0\r\n" + b"a" * 17_000,
}
REFUSED = {
    "a head without end": (b"GET / HTTP/1.1\r\nX: " + b"a" * LONGEST_HEAD, 431),
    "chunks over the limit": (CHUNKED + b"3E9\r\n", 413),
    "chunks over the limit together": (CHUNKED + (b"64\r\n" + b"x" * 100 + b"\r\n") * 10 + b"1\r\n", 413),
}


@pytest.mark.parametrize("request_bytes", WHOLE.values(), ids=WHOLE)
def test_inp_08_a_request_is_ready_with_its_last_byte_and_not_before(request_bytes):
    arrival = Arrival(MOST)
    for at in range(len(request_bytes)):
        assert not arrival.is_ready
        arrival.add(request_bytes[at : at + 1])
    assert (arrival.is_ready, arrival.is_whole, arrival.refusal) == (True, True, None)
    assert arrival.split() == (request_bytes, b"")


@given(st.sampled_from(sorted(WHOLE)), st.sampled_from(sorted(WHOLE)), st.lists(st.integers(1, 400), max_size=6))
def test_inp_06_what_follows_a_request_is_the_beginning_of_the_next(first, second, cuts):
    sent, arrival = WHOLE[first] + WHOLE[second], Arrival(MOST)
    rest = sent
    for cut in [*cuts, len(sent)]:
        if arrival.is_ready:
            break
        arrival.add(rest[:cut])
        rest = rest[cut:]
    request_bytes, begun = arrival.split()
    assert request_bytes == WHOLE[first]
    assert Arrival(MOST, begun + rest).split() == (WHOLE[second], b"")


@pytest.mark.parametrize("sent", HANDED_ON.values(), ids=HANDED_ON)
def test_inp_06_what_is_odd_is_not_waited_for_and_nothing_follows_it(sent):
    arrival = Arrival(MOST, sent)
    assert (arrival.is_ready, arrival.is_whole, arrival.refusal) == (True, False, None)
    assert arrival.split() == (sent, b"")


@pytest.mark.parametrize(("sent", "status"), REFUSED.values(), ids=REFUSED)
def test_inp_01_what_would_never_end_is_refused(sent, status):
    assert Arrival(MOST, sent).refusal == status


def test_inp_01_a_body_of_tiny_chunks_is_refused_when_it_costs_as_much_as_a_large_one():
    arrival = Arrival(MOST, CHUNKED)
    for _ in range(MOST):
        arrival.add(b"1;" + b"x" * 500 + b"\r\na\r\n")
        if arrival.is_ready:
            break
    assert arrival.refusal == 413
    assert len(arrival) < LONGEST_HEAD + 4 * MOST


def test_inp_08_leave_to_send_the_body_is_asked_for():
    assert Arrival(MOST, POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n").expects_continue
    assert not Arrival(MOST, POST + b"Content-Length: 5\r\n\r\n").expects_continue
