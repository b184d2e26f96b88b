"""Where we connect to: what may be named, what a link may lead to, and which address a name may have. Source: OUT-01, OUT-02."""

import socket
import threading
import time
from ipaddress import ip_address

import httpcore
import pytest

from cdshooks.fetching.addresses import (
    AddressPolicy,
    ForbiddenAddressError,
    Resolver,
    page_below,
    policy_for,
    read_base,
)
from cdshooks.fetching.connections import ForbiddenConnectionError, open_pool

SAME = [
    "https://ehr.example.org/fhir/R4/",
    "https://EHR.example.org/fhir/R4",
    "https://ehr.example.org:443/fhir/R4",
    "HTTPS://ehr.example.org/fhir/R4",
]
OTHER = [
    "http://ehr.example.org/fhir/R4",
    "https://ehr.example.org:8443/fhir/R4",
    "https://ehr.example.org/fhir/R5",
    "https://ehr.example.org/fhir/r4",
    "https://ehr.example.org./fhir/R4",
    "https://ehr.example.org/fhir/R4/../R4",
    "https://ehr.example.org/fhir/%2e%2e/R4",
    "https://ehr.example.org/fhir/R4?x=1",
    "https://ehr.example.org/fhir/R4#x",
    "https://me@ehr.example.org/fhir/R4",
    "https://ehr.example.org@evil.example/fhir/R4",
    "https://ehr.example.org\\@evil.example/fhir/R4",
    "https://ehr.example.org/fhir/R4\r\nHost: evil.example",
    "https://ehr.ex\u0430mple.org/fhir/R4",
    "http://169.254.169.254/latest/meta-data",
    "http://127.0.0.1/fhir/R4",
    "http://0x7f000001/fhir/R4",
    "http://2130706433/fhir/R4",
    "http://[::ffff:127.0.0.1]/fhir/R4",
    "http://localhost/fhir/R4",
    "file:///etc/passwd",
    "gopher://ehr.example.org/fhir/R4",
    "//ehr.example.org/fhir/R4",
    "https:///fhir/R4",
    "https://ehr.example.org:99999/fhir/R4",
    "https://[::1/fhir",
    "",
]
BASE = read_base("https://ehr.example.org/fhir/R4")


@pytest.mark.parametrize("named", SAME)
def test_out_01_one_base_in_several_spellings(named):
    assert read_base(named) == BASE


@pytest.mark.parametrize("named", OTHER)
def test_out_01_what_only_looks_like_the_base(named):
    assert read_base(named) != BASE


LINKS = [
    ("https://ehr.example.org/fhir/R4?_getpages=abc&_getpagesoffset=20", True),
    ("https://ehr.example.org/fhir/R4/Condition?page=2", True),
    ("https://EHR.example.org:443/fhir/R4/Condition?page=2", True),
    ("?page=2", True),
    ("/fhir/R4/Condition?page=2", True),
    ("https://ehr.example.org/fhir/R4evil/Condition?page=2", False),
    ("https://ehr.example.org/fhir/R4/../../admin", False),
    ("https://ehr.example.org/fhir/R4/%2e%2e/admin", False),
    ("https://ehr.example.org/fhir/R4/..%2fadmin", False),
    ("https://ehr.example.org/other", False),
    ("../../../other", False),
    ("http://ehr.example.org/fhir/R4/Condition?page=2", False),
    ("https://ehr.example.org:8443/fhir/R4/Condition?page=2", False),
    ("https://ehr.example.org.evil.example/fhir/R4/Condition", False),
    ("https://x@ehr.example.org/fhir/R4/Condition", False),
    ("//evil.example/fhir/R4/Condition", False),
    ("https://ehr.example.org/fhir/R4/Condition?a=1\r\nX: y", False),
    ("https://ehr.example.org/fhir/R4/Condition?a b", False),
    ("https://ehr.example.org/fhir/R4/Condition#x", False),
    ("https://ehr.example.org/fhir/R4/Condition?" + "a" * 10_000, False),
    ("file:///etc/passwd", False),
    ("javascript:alert(1)", False),
    ("http://[::1", False),
]


@pytest.mark.parametrize(("link", "is_followed"), LINKS, ids=[it[0][:60] for it in LINKS])
def test_out_02_which_links_are_followed(link, is_followed):
    page = page_below(BASE, "https://ehr.example.org/fhir/R4/Condition?patient=p", link)
    assert (page is not None) == is_followed
    assert page is None or page.startswith("https://ehr.example.org/fhir/R4")


ADDRESSES = [
    ("93.184.216.34", True),
    ("2606:2800:220:1::1", True),
    ("127.0.0.1", False),
    ("127.8.8.8", False),
    ("::1", False),
    ("0.0.0.0", False),
    ("::", False),
    ("10.1.2.3", False),
    ("172.16.0.1", False),
    ("192.168.1.1", False),
    ("100.64.0.1", False),
    ("169.254.169.254", False),
    ("fe80::1", False),
    ("fd00::1", False),
    ("224.0.0.1", False),
    ("ff0e::1", False),
    ("240.0.0.1", False),
    ("::ffff:127.0.0.1", False),
    ("::ffff:10.0.0.1", False),
    ("64:ff9b::7f00:1", False),
    ("2002:7f00:1::", False),
]


@pytest.mark.parametrize(("address", "is_permitted"), ADDRESSES)
def test_out_01_which_addresses_a_name_may_have(address, is_permitted):
    assert AddressPolicy().permits(ip_address(address)) == is_permitted


def test_out_01_a_hospital_names_its_own_networks_and_no_more_is_allowed():
    policy = policy_for(BASE, ["10.20.0.0/16"])
    assert policy.permits(ip_address("10.20.3.4"))
    assert policy.permits(ip_address("::ffff:10.20.3.4"))
    assert not policy.permits(ip_address("10.21.0.1"))
    assert not policy.permits(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("base", "address", "is_permitted"),
    [
        ("http://127.0.0.1:8090/fhir", "127.0.0.1", True),
        ("http://127.0.0.1:8090/fhir", "127.0.0.2", False),
        ("http://localhost:8090/fhir", "::1", True),
        ("http://localhost:8090/fhir", "10.0.0.1", False),
        ("https://10.1.1.1/fhir", "10.1.1.1", True),
    ],
)
def test_out_01_an_address_written_in_the_configured_base_was_meant(base, address, is_permitted):
    assert policy_for(read_base(base), []).permits(ip_address(address)) == is_permitted


class Listener:
    """Counts who connects."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.connections = self.socket.getsockname()[1], 0
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
            connection.close()


@pytest.fixture
def listener():
    made = Listener()
    yield made
    made.socket.close()


def get(listener, policy, lookup):
    until = time.monotonic() + 5
    timeout = {"connect": until, "read": until, "write": until, "pool": 5.0}
    with open_pool(policy, Resolver(lookup)) as pool:
        return pool.request("GET", f"http://ehr.example.org:{listener.port}/", extensions={"timeout": timeout}).status


def test_out_01_a_name_that_leads_inside_is_not_connected_to(listener):
    with pytest.raises(ForbiddenConnectionError):
        get(listener, AddressPolicy(), lambda *_: ["127.0.0.1"])
    assert listener.connections == 0


def test_out_01_a_client_with_the_check_switched_off_would_connect(listener):
    everywhere = policy_for(read_base("http://localhost"), ["0.0.0.0/0"])
    assert get(listener, everywhere, lambda *_: ["127.0.0.1"]) == 200
    assert listener.connections == 1


def test_out_01_rebinding_the_address_that_was_checked_is_the_one_connected_to(listener):
    answers = iter([["127.0.0.2"], ["127.0.0.1"]])
    policy = policy_for(read_base("http://127.0.0.2"), [])
    with pytest.raises(httpcore.ConnectError):
        get(listener, policy, lambda *_: next(answers))
    assert next(answers) == ["127.0.0.1"]
    assert listener.connections == 0


def test_out_05_a_names_server_that_hangs_holds_nobody_up():
    ended = threading.Event()

    def hang(*_):
        ended.wait(30)
        return ["93.184.216.34"]

    resolver = Resolver(hang)
    with pytest.raises(TimeoutError):
        resolver.addresses("ehr.example.org", 443, AddressPolicy(), time.monotonic() + 0.1)
    ended.set()


def test_a_name_without_an_address_and_one_without_a_permitted_address_are_told_apart():
    def fail(*_):
        raise socket.gaierror

    until = time.monotonic() + 10
    with pytest.raises(OSError, match="gaierror"):
        Resolver(fail).addresses("ehr.example.org", 443, AddressPolicy(), until)
    with pytest.raises(ForbiddenAddressError):
        Resolver(lambda *_: ["10.0.0.1"]).addresses("ehr.example.org", 443, AddressPolicy(), until)
