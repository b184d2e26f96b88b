"""Which server a call may ask, with which token, and how much of it. Each attack is first let through by a weaker variant.

Source: OUT-01, OUT-02, OUT-04, OUT-06, OUT-08, AUT-09.
"""

import json
import pickle
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cdshooks.ehr.searches import query_for
from cdshooks.ehr.source import Completeness
from cdshooks.errors import BadHookRequestError
from cdshooks.fetching.addresses import Resolver
from cdshooks.fetching.limits import Budget, Limits
from cdshooks.hooks.access_token import AccessToken
from cdshooks.hooks.clients import Client, read_clients
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.settings import Settings, SettingsError
from cdshooks.web.fetching import Fetching
from scripts.fhir_server import FhirServer, Store, resources_of, serving
from tests.fetching.conftest import STORY, TOKEN
from tests.fetching.test_addresses import OTHER

EHR = "https://ehr.example.org/fhir/R4"


def client_with(*servers, **more):
    return Client(name="main", issuer="https://ehr.example.org", jwks_file="x", fhir_servers=servers, **more)


@pytest.fixture
def called(story):
    def make(server, **authorization):
        granted = {"access_token": TOKEN, "token_type": "Bearer", **authorization}
        body = {**story, "fhirServer": server, "fhirAuthorization": granted}
        return read_hook_request(BY_ID["her2-later-line"], json.dumps(body).encode())

    return make


@pytest.fixture
def fetching_with():
    made = []

    def make(lookup=None, **settings):
        made.append(Fetching(Settings(**settings), resolver=Resolver(lookup)))
        return made[-1]

    yield make
    for it in made:
        it.close()


@pytest.fixture(scope="module")
def fhir():
    with serving(FhirServer(Store(resources_of(json.loads(STORY.read_text("utf-8"))), page_size=5))) as server:
        yield server


def fetched(session, *keys):
    return session.fetch([query_for(key, "p-brain") for key in keys or ("conditions",)])


@pytest.mark.parametrize("named", [it for it in OTHER if it.lower().startswith(("http:", "https:"))])
def test_out_01_a_server_that_is_not_configured_is_refused(fetching_with, called, named):
    with pytest.raises(BadHookRequestError) as refused:
        fetching_with().source_for(client_with(EHR), called(named), began=time.monotonic())
    assert refused.value.path == "$.fhirServer"


@pytest.mark.parametrize("named", ["file:///etc/passwd", "gopher://ehr.example.org/", "//ehr.example.org/fhir/R4"])
def test_out_01_another_scheme_is_refused(called, named):
    with pytest.raises(BadHookRequestError):
        called(named)


def test_out_01_a_client_without_servers_is_answered_from_prefetch_alone(fetching_with, called):
    assert fetching_with().source_for(client_with(), called(EHR), began=time.monotonic()) is None


@pytest.mark.parametrize(
    "named", ["https://ehr.example.org/fhir", "http://0x7f000001/fhir", "http://127.1/fhir", "http://127.0.0.2/fhir", "http://[::ffff:127.0.0.1]/"]
)  # fmt: skip
def test_out_01_dev_mode_asks_only_what_is_written_as_this_machine(fetching_with, called, named):
    assert fetching_with(is_dev=True).source_for(None, called(named), began=time.monotonic()) is None
    assert fetching_with(is_dev=True).source_for(None, called("http://localhost:1/fhir"), began=time.monotonic())
    assert fetching_with().source_for(None, called("http://localhost:1/fhir"), began=time.monotonic()) is None


@pytest.mark.parametrize(("networks", "completeness"), [((), "failed"), (("127.0.0.0/8",), "part")])
def test_out_01_a_name_that_leads_inside_is_asked_only_where_its_network_is_configured(
    fetching_with, called, fhir, networks, completeness
):
    base = (
        f"http://ehr.example.org:{fhir.server_port}/fhir"  # https has a certificate in the way, which is another test
    )
    client = client_with(base, fhir_networks=networks)
    session = fetching_with(lambda *_: ["127.0.0.1"]).source_for(client, called(base), began=time.monotonic())
    (answer,) = fetched(session, "observations")
    # its further pages name 127.0.0.1, which is another origin than the one that was asked
    assert answer.completeness == completeness
    assert ("may not be asked" in answer.because) == (not networks)


@pytest.mark.parametrize("networks", ["10.0.0.0/40", "10.1.2.3/8", "internal", ""])
def test_rel_09_a_network_that_is_none_is_told_at_the_start(tmp_path, networks):
    (tmp_path / "keys.json").write_text("{}")
    file = tmp_path / "clients.toml"
    file.write_text(
        f'[[clients]]\nname = "a"\nissuer = "https://a"\njwks_file = "keys.json"\nfhir_networks = ["{networks}"]\n'
    )
    with pytest.raises(SettingsError, match="fhir_networks must be a network"):
        read_clients(file, {"standard"})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of ``ehr.example.org`` that no authority has signed."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "ehr.example.org")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("ehr.example.org")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "ehr.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + secret)
    return file


@pytest.fixture
def tls_fhir(certificate):
    server = FhirServer(Store([]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.handle_error = lambda *_: None
    with serving(server):
        yield server


TLS = [
    ("an authority that nobody trusts", "ehr.example.org", False, Completeness.FAILED),
    ("another name than the certificate's", "other.example.org", True, Completeness.FAILED),
    ("the weaker variant: a hospital's own authority is trusted", "ehr.example.org", True, Completeness.WHOLE),
]


@pytest.mark.parametrize(("host", "is_trusted", "completeness"), [it[1:] for it in TLS], ids=[it[0] for it in TLS])
def test_out_04_tls_is_verified(
    fetching_with, called, tls_fhir, certificate, monkeypatch, host, is_trusted, completeness
):
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    base = f"https://{host}:{tls_fhir.server_port}/fhir"
    client = client_with(base, fhir_networks=("127.0.0.1/32",))
    session = fetching_with(lambda *_: ["127.0.0.1"]).source_for(client, called(base), began=time.monotonic())
    assert fetched(session)[0].completeness is completeness


def test_s_19_an_open_server_is_asked_without_a_token_where_it_is_configured(fetching_with, story, fhir):
    body = {**story, "fhirServer": fhir.base}
    request = read_hook_request(BY_ID["her2-later-line"], json.dumps(body).encode())
    session = fetching_with().source_for(client_with(fhir.base), request, began=time.monotonic())
    assert session.token is None
    assert fetched(session)[0].completeness is Completeness.WHOLE
    with pytest.raises(BadHookRequestError):
        fetching_with().source_for(client_with(EHR), request, began=time.monotonic())


LIMITS = [
    ("bytes of an answer", {"bytes_of_an_answer": 500}, Completeness.FAILED, "more than is read"),
    ("bytes of a call", {"bytes_of_a_call": 500}, Completeness.FAILED, "more than is read"),
    ("pages", {"pages_of_a_query": 2}, Completeness.PART, "more pages than are read"),
    ("entries", {"entries_of_a_call": 7}, Completeness.PART, "more resources than are read"),
    ("requests", {"requests_of_a_call": 2}, Completeness.PART, "asked too often"),
    ("the weaker variant: the limits that are shipped", {}, Completeness.WHOLE, ""),
]


@pytest.mark.parametrize(("limits", "completeness", "because"), [it[1:] for it in LIMITS], ids=[it[0] for it in LIMITS])
def test_out_06_what_one_call_reads_is_bounded(fetching_with, called, fhir, limits, completeness, because):
    session = fetching_with(is_dev=True).source_for(None, called(fhir.base), began=time.monotonic())
    bounded = type(session)(
        server=session.server, token=None, until=time.monotonic() + 20, budget=Budget(Limits(**limits))
    )
    (answer,) = fetched(bounded, "observations")
    assert answer.completeness is completeness
    assert because in answer.because


@pytest.mark.parametrize(
    ("authorization", "may_ask"),
    [
        ({}, True),
        ({"expires_in": 300}, True),
        ({"expires_in": "300"}, True),
        ({"expires_in": "soon"}, True),
        ({"token_type": "bearer"}, True),
        ({"expires_in": 0}, False),
        ({"expires_in": "0"}, False),
        ({"expires_in": -5}, False),
        ({"token_type": "DPoP"}, False),
    ],
)
def test_out_08_a_token_that_is_over_or_of_another_kind_is_not_used(fetching_with, called, authorization, may_ask):
    request = called("http://127.0.0.1:1/fhir", **authorization)
    session = fetching_with(is_dev=True).source_for(None, request, began=time.monotonic())
    assert (session is not None) == may_ask


@pytest.mark.parametrize("token", ["a b", "a\r\nHost: evil", "é", "", "x" * 20_000])
def test_out_08_what_could_not_stand_in_a_header_is_no_token(token):
    with pytest.raises(BadHookRequestError) as refused:
        AccessToken(token)
    assert token not in str(refused.value) or not token


def test_out_08_a_token_is_neither_printed_nor_stored(fetching_with, called):
    request = called("http://127.0.0.1:1/fhir")
    session = fetching_with(is_dev=True).source_for(None, request, began=time.monotonic())
    assert TOKEN not in repr((request, session, request.access_token, str(request.access_token)))
    with pytest.raises(TypeError):
        pickle.dumps(request.access_token)


@pytest.mark.parametrize("patient", ["..", ".", "x&_revinclude=*", "../Patient/other", "p1?x", "p 1", "p#1", ""])
def test_out_02_an_id_that_could_change_a_url_is_refused(story, patient):
    story["context"]["patientId"] = patient
    with pytest.raises(BadHookRequestError) as refused:
        read_hook_request(BY_ID["her2-later-line"], json.dumps(story).encode())
    assert refused.value.path == "$.context.patientId"


@pytest.mark.parametrize(
    ("patient", "written"),
    [("p-1.2", "p-1.2"), ("%2e%2e", "%252e%252e"), ("p%2F..", "p%252F.."), ("ä;=+", "%C3%A4%3B%3D%2B")],
)
def test_out_02_an_id_is_percent_encoded(patient, written):
    assert query_for("patient", patient).path == f"Patient/{written}"
    assert query_for("conditions", patient).path == f"Condition?patient={written}&_count=1000"
