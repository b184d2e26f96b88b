"""Who may call. Each refusal is the same answer; each token below differs from a good one in one thing. Source: AUT, S-4 to S-12."""

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import jwt
import msgspec
import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cdshooks.app import build_app
from cdshooks.cli.main import main
from cdshooks.errors import UnauthorizedClientError
from cdshooks.hooks.clients import read_clients
from cdshooks.settings import Settings, SettingsError
from cdshooks.web.callers import Callers
from cdshooks.web.signing_keys import SigningKeys, UnusableKeysError, keys_of_url, read_key_set

BASE = "https://cds.example.org"
SERVICE = "her2-later-line"
URL = f"{BASE}/cds-services/{SERVICE}"
PROFILES = ("standard", "epic")
ISSUER, OTHER = "https://ehr.example.org", "https://other.example.org"
KEYS = {
    "p384": ec.generate_private_key(ec.SECP384R1()),
    "p256": ec.generate_private_key(ec.SECP256R1()),
    "p521": ec.generate_private_key(ec.SECP521R1()),
    "other": ec.generate_private_key(ec.SECP384R1()),
    "rsa": rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "rsa-short": rsa.generate_private_key(public_exponent=65537, key_size=1024),
}


def jwk(name, kid=None, **more):
    key = KEYS[name].public_key()
    algorithm = jwt.algorithms.RSAAlgorithm if name.startswith("rsa") else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key, as_dict=True), "kid": kid or name, **more}


def key_set(*names):
    return json.dumps({"keys": [jwk(it) for it in names]}).encode()


def segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims(**more):
    now = int(time.time())
    good = {"iss": ISSUER, "aud": URL, "iat": now, "exp": now + 300, "jti": str(uuid4())}
    return {name: value for name, value in {**good, **more}.items() if value is not None}


def token(key="p384", alg="ES384", header=None, **more):
    headers = {"kid": key, **(header or {})}
    return jwt.encode(claims(**more), KEYS[key], algorithm=alg, headers=headers)


def raw_token(header, payload, signature=b""):
    return f"{segment(header)}.{segment(payload)}.{segment(signature)}"


def signed_bytes(payload, header=None):
    """A truly signed token over bytes that no library would write."""
    head = {"alg": "ES384", "typ": "JWT", "kid": "p384", **(header or {})}
    text = f"{segment(head)}.{segment(payload)}"
    signer = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA384)
    return f"{text}.{segment(signer.sign(text.encode(), KEYS['p384']))}"


@pytest.fixture(scope="module")
def clients_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clients")
    (folder / "ehr.json").write_bytes(key_set("p384", "p256", "rsa", "rsa-short"))
    (folder / "other.json").write_bytes(json.dumps({"keys": [jwk("other"), jwk("other", kid="p384")]}).encode())
    file = folder / "clients.toml"
    file.write_text(
        f"""
        [[clients]]
        name = "main"
        issuer = "{ISSUER}"
        jwks_file = "ehr.json"
        fhir_servers = ["https://ehr.example.org/fhir/R4"]
        cors_origins = ["https://app.example.org"]
        [[clients]]
        name = "other"
        issuer = "{OTHER}"
        jwks_file = "other.json"
        replay = "allow"
        audiences = ["typed by hand"]
        tenants = ["north"]
        services = ["her2-later-line"]
        """,
        encoding="utf-8",
    )
    return file


@pytest.fixture(scope="module")
def service(clients_file, loaded_knowledge):
    settings = Settings(
        base_url=BASE,
        clients=clients_file,
        is_evaluation=True,
        today=date(2026, 11, 24),
        state_directory=clients_file.parent,
    )
    return build_app(settings, loaded_knowledge).test_client()


@pytest.fixture
def send(service, story_request):
    def post(bearer, path=f"/cds-services/{SERVICE}", body=None, **headers):
        sent = {"Authorization": f"Bearer {bearer}", **headers} if bearer is not None else headers
        return service.post(path, json=story_request if body is None else body, headers=sent)

    return post


GOOD = {
    "ES384": token,
    "RS384": lambda: token("rsa", "RS384"),
    "audience in an array": lambda: token(aud=["x", URL]),
    "Epic: 15 minutes, nbf five minutes early": lambda: token(
        "rsa", "RS384", exp=int(time.time()) + 900, nbf=int(time.time()) - 300, sub="client-id"
    ),
    "expired 50 s ago": lambda: token(iat=int(time.time()) - 350, exp=int(time.time()) - 50),
    "issued 50 s from now": lambda: token(iat=int(time.time()) + 50, exp=int(time.time()) + 350),
}


@pytest.mark.parametrize("make", GOOD.values(), ids=GOOD)
def test_aut_a_good_token_is_answered(send, make):
    answer = send(make())
    assert answer.status_code == 200
    assert answer.get_json()["cards"]


def der_signed():
    """ES384 as many libraries of cryptography write it, and as JWS does not (S-12, 5)."""
    text = f"{segment({'alg': 'ES384', 'typ': 'JWT', 'kid': 'p384'})}.{segment(claims())}"
    return f"{text}.{segment(KEYS['p384'].sign(text.encode(), ec.ECDSA(hashes.SHA384())))}"


def _hmac_with_the_public_key():
    pem = KEYS["rsa"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{segment({'alg': 'HS384', 'typ': 'JWT', 'kid': 'rsa'})}.{segment(claims())}"
    return f"{text}.{segment(hmac.new(pem, text.encode(), hashlib.sha384).digest())}"


def _now(seconds):
    return int(time.time()) + seconds


BAD = {
    "no token": lambda: None,
    "not a token": lambda: "abc",
    "four segments": lambda: token() + ".x",
    "padding": lambda: token() + "=",
    "larger than 8 KB": lambda: token(x="a" * 9000),
    "not JSON": lambda: f"{segment(b'nonsense')}.{segment(claims())}.{segment(b'x')}",
    "deeply nested": lambda: f"{segment(b'[' * 4000)}.{segment(claims())}.{segment(b'x')}",
    "aut-02 alg none": lambda: raw_token({"alg": "none", "typ": "JWT", "kid": "p384"}, claims(), b"x"),
    "aut-02 HMAC with the public key": _hmac_with_the_public_key,
    "aut-02 ES384 named, P-256 key": lambda: raw_token(
        {"alg": "ES384", "typ": "JWT", "kid": "p256"}, claims(), b"\1" * 96
    ),
    "aut-02 ES256 is not configured": lambda: token("p256", "ES256"),
    "aut-02 r = s = 0": lambda: raw_token({"alg": "ES384", "typ": "JWT", "kid": "p384"}, claims(), b"\0" * 96),
    "aut-02 a signature in DER": der_signed,
    "aut-02 RSA of 1024 bits": lambda: token("rsa-short", "RS384"),
    "aut-02 unknown crit": lambda: token(header={"crit": ["x"], "x": 1}),
    "aut-02 embedded key": lambda: token("other", header={"kid": "p384", "jwk": jwk("other")}),
    "aut-02 x5u": lambda: token(header={"x5u": "https://evil.example/x"}),
    "aut-03 a key that nobody has": lambda: token(header={"kid": "unheard of"}),
    "aut-03 unknown issuer": lambda: token(iss="https://evil.example"),
    "aut-03 issuer with a slash": lambda: token(iss=ISSUER + "/"),
    "aut-03 other client's key": lambda: token("other"),
    "aut-03 other client's key under the same kid": lambda: token("other", header={"kid": "p384"}),
    "aut-03 jku that is not configured": lambda: token(header={"jku": "https://evil.example/jwks"}),
    "aut-04 other service": lambda: token(aud=URL + "-sign"),
    "aut-04 base only": lambda: token(aud=BASE),
    "aut-04 slash": lambda: token(aud=URL + "/"),
    "aut-04 case": lambda: token(aud=URL.upper()),
    "aut-04 feedback URL for a hook call": lambda: token(aud=URL + "/feedback"),
    "aut-04 audience missing": lambda: token(aud=None),
    "aut-04 another client's typed audience": lambda: token(aud="typed by hand"),
    "aut-05 expired 61 s ago": lambda: token(iat=_now(-361), exp=_now(-61)),
    "aut-05 issued 90 s from now": lambda: token(iat=_now(90), exp=_now(390)),
    "aut-05 nbf 90 s from now": lambda: token(nbf=_now(90)),
    "aut-05 ten years": lambda: token(exp=_now(315_360_000)),
    "aut-05 sixteen minutes": lambda: token(exp=_now(960)),
    "aut-05 issued ten years ago": lambda: token(iat=_now(-315_360_000)),
    "aut-05 exp before iat": lambda: token(iat=_now(30), exp=_now(20)),
    "aut-05 exp as string": lambda: signed_bytes(claims(exp=str(_now(300)))),
    "aut-05 exp as float": lambda: signed_bytes(claims(exp=time.time() + 300)),
    "aut-05 exp 1e400": lambda: signed_bytes(json.dumps(claims(exp=7)).replace(": 7", ": 1e400").encode()),
    "aut-05 exp true": lambda: signed_bytes(claims(exp=True)),
    "aut-05 exp missing": lambda: token(exp=None),
    "aut-05 iat missing": lambda: token(iat=None),
    "aut-06 typ missing": lambda: token(header={"typ": None}),
    "aut-06 typ at+jwt": lambda: token(header={"typ": "at+jwt"}),
    "aut-06 kid missing": lambda: jwt.encode(claims(), KEYS["p384"], algorithm="ES384"),
    "aut-06 kid a number": lambda: signed_bytes(claims(), {"kid": 5}),
    "aut-06 jti missing": lambda: token(jti=None),
    "aut-06 jti empty": lambda: token(jti=""),
    "aut-06 jti a number": lambda: signed_bytes(claims(jti=5)),
    "aut-06 jti of 257 characters": lambda: token(jti="x" * 257),
    "aut-06 a claim twice": lambda: signed_bytes(json.dumps(claims()).replace("{", '{"iss": "x", ', 1).encode()),
    "aut-06 NaN": lambda: signed_bytes(json.dumps(claims(x=float("nan"))).encode()),
}


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("make", BAD.values(), ids=BAD)
def test_aut_01_every_refusal_is_the_same(send, make):
    answer = send(make(), Host="cds.example.org", **{"X-Forwarded-Host": "cds.example.org"})
    without = send(None)
    assert answer.status_code == 401
    assert (answer.get_data(), dict(answer.headers)) == (without.get_data(), dict(without.headers))
    assert answer.headers["WWW-Authenticate"] == "Bearer"


REFUSED_FOR = {
    "no-token": ["no token"],
    "shape": [
        "not a token", "four segments", "padding", "larger than 8 KB", "not JSON", "deeply nested", "aut-06 a claim twice", "aut-06 NaN",
    ],
    "alg": ["aut-02 alg none", "aut-02 HMAC with the public key", "aut-02 ES256 is not configured"],
    "key": ["aut-02 ES384 named, P-256 key"],
    "signature": ["aut-02 r = s = 0", "aut-02 a signature in DER", "aut-03 other client's key under the same kid"],
    "header": ["aut-02 unknown crit", "aut-02 embedded key", "aut-02 x5u"],
    "iss": ["aut-03 unknown issuer", "aut-03 issuer with a slash"],
    "jku": ["aut-03 jku that is not configured"],
    "kid": [
        "aut-02 RSA of 1024 bits", "aut-03 a key that nobody has", "aut-03 other client's key", "aut-06 kid missing", "aut-06 kid a number",
    ],
    "aud": [it for it in BAD if it.startswith("aut-04")],
    "exp": [it for it in BAD if it.startswith("aut-05 exp ") and it != "aut-05 exp before iat"] + ["aut-05 expired 61 s ago"],
    "iat": ["aut-05 issued 90 s from now", "aut-05 iat missing"],
    "nbf": ["aut-05 nbf 90 s from now"],
    "lifetime": ["aut-05 ten years", "aut-05 sixteen minutes", "aut-05 issued ten years ago", "aut-05 exp before iat"],
    "typ": ["aut-06 typ missing", "aut-06 typ at+jwt"],
    "jti": ["aut-06 jti missing", "aut-06 jti empty", "aut-06 jti a number", "aut-06 jti of 257 characters"],
}  # fmt: skip
"""The check that each bad token fails, so that none is refused for a reason that is not the one it is here for."""


@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
@pytest.mark.parametrize("reason", REFUSED_FOR)
def test_s_14_the_log_names_the_check_that_failed_and_nothing_of_the_token(send, caplog, reason):
    assert sorted(it for cases in REFUSED_FOR.values() for it in cases) == sorted(BAD)
    for case in REFUSED_FOR[reason]:
        bearer = BAD[case]()
        caplog.clear()
        with caplog.at_level("INFO"):
            send(bearer)
        (told,) = (json.loads(it.message) for it in caplog.records if "client-refused" in it.message)
        assert told["reason"] == reason, case
        assert not bearer or not any(len(it) > 9 and it in caplog.text for it in bearer.split("."))


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [(f"ES{bits}", f"p{curve}") for bits, curve in ((256, 256), (384, 384), (512, 521))]
    + [(f"{family}{bits}", "rsa") for family in ("RS", "PS") for bits in (256, 384, 512)],
)
def test_s_8_each_algorithm_that_may_be_configured_is_verified_and_no_other(tmp_path, algorithm, key):
    (tmp_path / "ehr.json").write_bytes(key_set("p256", "p384", "p521", "rsa"))
    file = tmp_path / "clients.toml"
    file.write_text(
        f'[[clients]]\nname = "a"\nissuer = "{ISSUER}"\njwks_file = "ehr.json"\nalgorithms = ["{algorithm}"]\n',
        encoding="utf-8",
    )
    callers = Callers(read_clients(file, PROFILES), tmp_path, use_once=lambda *_: True, now=lambda: datetime.now(UTC))

    def identify(bearer):
        return callers.identify(f"Bearer {bearer}", service=SERVICE, audiences=frozenset({URL})).name

    assert identify(token(key, algorithm)) == "a"
    for other in {"ES384", "RS384"} - {algorithm}:
        with pytest.raises(UnauthorizedClientError):
            identify(token("p384" if other == "ES384" else "rsa", other))


EXAMPLE_KEY = {
    "kty": "EC",
    "use": "sig",
    "crv": "P-384",
    "kid": "example-kid",
    "x": "46SDH7Znh821wblCBglA61sNE9ZrHYKKt3qRtRTmSXyOI_FIGBLWrWa0GPUkDCEk",
    "y": "XMcRuuoGW7CXjQdy-F5i3FeBE0x9hPLdeFdSoDd3ELmx404tLX0VRRcqzAsPhXcI",
    "alg": "ES384",
}
EXAMPLE_TOKEN = (
    "eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCIsImtpZCI6ImV4YW1wbGUta2lkIiwiamt1IjoiaHR0cHM6Ly9maGlyLWVoci5leGFtcGxlLmNvbS9qd2tfdXJpIn0."
    "eyJpc3MiOiJodHRwczovL2ZoaXItZWhyLmV4YW1wbGUuY29tLyIsInN1YiI6ImNsaWVudF9pZCIsImF1ZCI6Imh0dHBzOi8vY2RzLmV4YW1wbGUub3JnL2Nkcy1z"
    "ZXJ2aWNlcy9zb21lLXNlcnZpY2UiLCJleHAiOjE0MjI1Njg4NjAsImlhdCI6MTMxMTI4MDk3MCwianRpIjoiZWUyMmIwMjEtZTFiNy00NjExLWJhNWItOGVlYzZh"
    "MzNhYzFlIiwidGVuYW50IjoiMmRkZDZjM2EtOGU5YS00NGM2LWEzMDUtNTIxMTFhZDMwMmEyIn0."
    "CUFPkplnWd6YGIvzoHolWCQBDsCL8QtTWKGg_QFpS169WrqDGzktRi-_we6-6rVzbjerU27ZKww_SW0-b9RTz-dPJNcqsueMio8r6EqXUXhbLm_ch3XFSbDlGHDl_tqo"
)
"""As the standard prints both, under "Trusting CDS Clients", "Example"."""


def test_s_13_the_standards_own_token_is_verified_and_refused_for_its_times_alone(tmp_path):
    """It lives from 2011 to 2015, so its signature holds and it is refused all the same; were years allowed, it would pass."""
    (tmp_path / "ehr.json").write_text(json.dumps({"keys": [EXAMPLE_KEY]}), encoding="utf-8")
    file = tmp_path / "clients.toml"
    file.write_text(
        '[[clients]]\nname = "a"\nissuer = "https://fhir-ehr.example.com/"\njwks_file = "ehr.json"\n'
        'jku = "https://fhir-ehr.example.com/jwk_uri"\ntenants = ["2ddd6c3a-8e9a-44c6-a305-52111ad302a2"]\n',
        encoding="utf-8",
    )
    (client,) = read_clients(file, PROFILES)
    audiences = frozenset({"https://cds.example.org/cds-services/some-service"})

    def identify(moment, who=client, bearer=EXAMPLE_TOKEN):
        callers = Callers([who], tmp_path, use_once=lambda *_: True, now=lambda: moment)
        return callers.identify(f"Bearer {bearer}", service=SERVICE, audiences=audiences)

    def refused(*call):
        with pytest.raises(UnauthorizedClientError) as told:
            identify(*call)
        return told.value.reason

    in_its_life = datetime(2011, 8, 1, tzinfo=UTC)
    assert refused(datetime.now(UTC)) == "exp"
    assert refused(in_its_life) == "lifetime", "three and a half years are no lifetime of a token"
    patient = msgspec.structs.replace(client, longest_lifetime_seconds=10**9)  # more than a file may say
    assert identify(in_its_life, patient).name == "a"
    changed = EXAMPLE_TOKEN[:-4] + "AAAA"
    assert refused(in_its_life, patient, changed) == "signature"


@pytest.mark.parametrize("sent", [None, "Bearer nonsense", "Basic YTpi"])
def test_s_2_discovery_is_open_and_never_fails_over_a_token(service, sent):
    answer = service.get("/cds-services", headers={"Authorization": sent} if sent else {})
    assert answer.status_code == 200
    assert answer.get_json()["services"]


@pytest.mark.parametrize(
    ("base_url", "issuer", "faults"),
    [
        ("https://cds.example.org", ISSUER, []),
        ("http://127.0.0.1:8080", ISSUER, []),
        ("http://cds.example.org", ISSUER, ["CDSHOOKS_BASE_URL"]),
        ("https://cds.example.org", "https://sandbox.cds-hooks.org", ["CDSHOOKS_CLIENTS"]),
    ],
)
@pytest.mark.parametrize("is_evaluation", [False, True])
def test_s_1_and_s_12_beside_patients_all_is_https_and_no_key_is_public(
    tmp_path, loaded_knowledge, base_url, issuer, faults, is_evaluation
):
    """An evaluation without patients may do both: it is how the public sandbox is tried with tokens."""
    (tmp_path / "ehr.json").write_bytes(key_set("p384"))
    file = tmp_path / "clients.toml"
    file.write_text(f'[[clients]]\nname = "a"\nissuer = "{issuer}"\njwks_file = "ehr.json"\n', encoding="utf-8")
    told = Settings(base_url=base_url, clients=file, is_evaluation=is_evaluation, state_directory=tmp_path)
    if is_evaluation:
        build_app(told, loaded_knowledge)
        return
    with pytest.raises(SettingsError) as refused:  # for the knowledge that is shipped is not signed
        build_app(told, loaded_knowledge)
    named = [it.partition(":")[0] for it in refused.value.faults]
    assert named == ["CDSHOOKS_EVALUATION", *faults]


@pytest.mark.parametrize(
    "case",
    [
        "aut-05 ten years",
        "aut-05 issued ten years ago",
        "aut-06 jti empty",
        "aut-06 typ at+jwt",
        "aut-06 kid missing",
        "aut-06 jti of 257 characters",
    ],
)
def test_a_plain_decode_would_let_these_through_so_the_tests_bite(case):
    jwt.decode(BAD[case](), KEYS["p384"].public_key(), algorithms=["ES384"], audience=URL, issuer=ISSUER)


def test_aut_04_feedback_takes_its_own_url_or_that_of_the_service(send):
    for audience in (URL, URL + "/feedback"):
        answer = send(token(aud=audience), f"/cds-services/{SERVICE}/feedback", body={"feedback": []})
        assert answer.status_code == 400


def test_aut_06_tenant_and_typed_audience_and_aut_09_service(send):
    head = {"kid": "other"}
    path = f"/cds-services/{SERVICE}-sign"
    assert send(token("other", header=head, iss=OTHER, tenant="north", aud="typed by hand")).status_code == 200
    assert send(token("other", header=head, iss=OTHER, tenant="south")).status_code == 401
    assert send(token("other", header=head, iss=OTHER)).status_code == 401
    assert send(token("other", header=head, iss=OTHER, tenant="north", aud=URL + "-sign"), path).status_code == 401


def test_aut_07_a_token_is_good_once_or_as_often_as_the_client_is_allowed(send):
    once = token()
    assert [send(once).status_code for _ in range(3)] == [200, 401, 401]
    again = token("other", iss=OTHER, tenant="north")
    assert [send(again).status_code for _ in range(3)] == [200, 200, 200]


def test_aut_07_an_unsigned_token_does_not_use_up_an_id(send):
    good = token(jti="kept-for-the-true-one")
    head, payload, _ = good.split(".")
    assert send(f"{head}.{payload}.{segment(bytes(96))}").status_code == 401
    assert send(good).status_code == 200


def test_aut_09_a_client_speaks_of_its_own_fhir_servers_only(send, story_request):
    story_request["fhirServer"] = "https://foreign.example.org/fhir"
    assert send(token(), body=story_request).status_code == 400
    story_request["fhirServer"] = "https://ehr.example.org/fhir/R4/"
    assert send(token(), body=story_request).status_code == 200


def test_aut_09_a_client_answers_only_the_cards_that_it_was_shown(send):
    card = send(token()).get_json()["cards"][0]["uuid"]
    path = f"/cds-services/{SERVICE}/feedback"
    body = {"feedback": [{"card": card, "outcome": "overridden", "outcomeTimestamp": "2026-11-24T10:00:00Z"}]}
    as_other = {"key": "other", "iss": OTHER, "tenant": "north"}
    assert send(token(**as_other), path, body).status_code == 404
    assert send(token(**as_other), path, body).status_code == 404  # nor does trying it make it known
    assert send(token(), path, body).status_code == 200


def test_aut_08_no_token_reaches_the_log(send, caplog):
    bearers = [token(), token(aud="x"), token("other")]
    with caplog.at_level("DEBUG"):
        for it in bearers:
            send(it)
    assert "client-refused" in caplog.text
    assert not any(part in caplog.text for it in bearers for part in it.split("."))


@pytest.mark.parametrize(
    ("origin", "echoed"),
    [
        ("https://app.example.org", "https://app.example.org"),
        ("https://app.example.org.evil.example", None),
        ("https://APP.example.org", None),
        ("null", None),
    ],
)
def test_cor_01_only_listed_origins_are_answered_and_errors_too(send, service, origin, echoed):
    preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for answer in (send(None, Origin=origin), service.options(f"/cds-services/{SERVICE}", headers=preflight)):
        assert answer.headers.get("Access-Control-Allow-Origin") == echoed
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert (answer.headers.get("Vary") == "Origin") is (echoed is not None)


def test_cor_01_every_answer_says_how_it_is_to_be_kept_and_none_leaves_a_cookie(send, service):
    answers = [
        send(token()),
        send(None),
        send(token(), body=[]),
        service.get("/nowhere"),
        service.put(f"/cds-services/{SERVICE}"),
    ]
    assert [it.status_code for it in answers] == [200, 401, 400, 404, 405]
    for it in answers:
        assert it.headers["X-Content-Type-Options"] == "nosniff"
        assert it.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in it.headers


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Source:
    """A key set that can be changed, broken and counted."""

    def __init__(self, *names):
        self.names, self.hits, self.is_down = names, 0, False

    def __call__(self):
        self.hits += 1
        if self.is_down:
            raise UnusableKeysError
        return key_set(*self.names), 300.0


def test_aut_08_rotation_needs_no_restart_and_a_removed_key_goes_when_the_set_is_stale():
    clock, source = Clock(), Source("p384")
    keys = SigningKeys(source, clock)
    assert keys.find("p384")
    source.names = ("p384", "other")
    clock.now += 61
    assert keys.find("other")
    source.names = ("other",)
    clock.now += 301
    keys.find("other")  # a known key does not wait for the fetch that it begins
    for _ in range(200):
        if keys.find("p384") is None:
            break
        time.sleep(0.01)
    assert keys.find("p384") is None
    assert keys.find("other")


@pytest.mark.parametrize(("told", "held"), [(0.0, 300), (700.0, 700), (1e9, 86_400)])
def test_aut_08_a_set_is_fresh_for_as_long_as_it_says_between_five_minutes_and_a_day(told, held):
    clock, source = Clock(), Source("p384")
    keys = SigningKeys(lambda: (source()[0], told), clock)
    assert keys.find("p384")
    clock.now += held - 1
    assert keys.find("p384")
    time.sleep(0.05)  # a fetch would have begun beside it
    assert source.hits == 1
    clock.now += 2
    assert keys.find("p384")
    for _ in range(200):
        if source.hits == 2:
            break
        time.sleep(0.01)
    assert source.hits == 2


def test_aut_08_a_thousand_unknown_keys_are_one_fetch_a_minute():
    clock, source = Clock(), Source("p384")
    keys = SigningKeys(source, clock)
    assert [keys.find(f"random-{it}") for it in range(1000)] == [None] * 1000
    assert source.hits == 1
    clock.now += 60
    keys.find("random")
    assert source.hits == 2


def test_aut_08_keys_outlive_their_endpoint_by_a_day():
    clock, source = Clock(), Source("p384")
    keys = SigningKeys(source, clock)
    assert keys.find("p384")
    source.is_down = True
    clock.now += 300 + 86_399
    assert keys.find("p384")
    clock.now += 2
    assert keys.find("p384") is None


@pytest.mark.parametrize(
    ("key", "is_usable"),
    [
        ({}, True),
        ({"use": "sig", "key_ops": ["verify"], "alg": "ES384"}, True),
        ({"use": "enc"}, False),
        ({"key_ops": ["sign"]}, False),
        ({"alg": "RS384"}, False),
        ({"kty": "oct", "k": "AAAA"}, False),
        ({"crv": "P-256"}, False),
    ],
)
def test_aut_02_a_key_is_used_only_for_what_it_says(key, is_usable):
    read = read_key_set(json.dumps({"keys": [{**jwk("p384"), **key}]}).encode())
    assert ("p384" in read) is is_usable


@pytest.fixture
def endpoint():
    """A server of key sets, in any state of health; counts its visitors."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.hits.append(self.path)
            self.send_response(302 if self.path == "/redirect" else 200)
            self.send_header("Location", "/good")
            self.send_header("Cache-Control", "public, max-age=700")
            self.end_headers()
            bodies = {"/good": key_set("p384"), "/html": b"<html>", "/many": key_set(*["p384"] * 51)}
            if self.path == "/large":
                for _ in range(100):
                    self.wfile.write(b" " * 100_000)
            self.wfile.write(bodies.get(self.path, b""))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.hits = []
    thread = Thread(target=server.serve_forever)
    thread.start()
    server.url = f"http://127.0.0.1:{server.server_port}"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_aut_08_a_fetched_set_says_how_long_it_is_fresh(endpoint):
    document, fresh_for = keys_of_url(f"{endpoint.url}/good")()
    assert (list(read_key_set(document)), fresh_for) == (["p384"], 700.0)


@pytest.mark.parametrize("path", ["/redirect", "/html", "/large", "/many", "/empty"])
def test_aut_08_what_is_no_reasonable_key_set_is_refused(endpoint, path):
    with pytest.raises(UnusableKeysError):
        read_key_set(keys_of_url(endpoint.url + path)()[0])
    assert endpoint.hits == [path]


@pytest.mark.parametrize(
    "bend",
    [
        lambda url: url.upper(),
        lambda url: url + "#x",
        lambda url: url + "/../good",
        lambda url: url.replace("http://", "http://good@"),
        lambda url: url.replace("127.0.0.1", "127.0.0.1."),
        lambda url: url + "?x",
    ],
)
def test_aut_03_a_bent_jku_is_refused_before_anything_is_fetched(endpoint, tmp_path, bend):
    url = f"{endpoint.url}/good"
    file = tmp_path / "clients.toml"
    file.write_text(f'[[clients]]\nname = "a"\nissuer = "{ISSUER}"\njwks_url = "{url}"\n', encoding="utf-8")
    callers = Callers(read_clients(file, PROFILES), tmp_path, use_once=lambda *_: True, now=lambda: datetime.now(UTC))
    for jku in (bend(url), 5, None):
        bearer = "Bearer " + signed_bytes(claims(), {"jku": jku})
        with pytest.raises(UnauthorizedClientError):
            callers.identify(bearer, service=SERVICE, audiences=frozenset({URL}))
    assert endpoint.hits == []
    good = "Bearer " + token(header={"jku": url})
    assert callers.identify(good, service=SERVICE, audiences=frozenset({URL})).name == "a"
    assert endpoint.hits == ["/good"]


def test_rel_09_faults_of_the_clients_file_are_told_all_at_once(tmp_path):
    file = tmp_path / "clients.toml"
    file.write_text(
        """
        [[clients]]
        name = "a"
        issuer = "https://a"
        jwks_url = "http://ehr.example.org/jwks"
        fhir_servers = ["https://user@ehr.example.org/fhir"]
        [[clients]]
        name = "a"
        issuer = "https://b"
        algorithms = ["ES384"]
        cors_origins = ["*"]
        profile = "epik"
        [[clients]]
        name = "c"
        issuer = "https://c"
        jwks_file = "missing.json"
        algorithms = ["HS256"]
        """,
        encoding="utf-8",
    )
    with pytest.raises(SettingsError) as told:
        read_clients(file, PROFILES)
    words = ("client 1: jwks_url", "client 1: each of fhir", "client 2: either", "client 2: each of cors", "client 3: ")
    assert any("client 2: profile must be one of epic, standard" in fault for fault in told.value.faults)
    for it in (*words, "two clients have the same name"):
        assert any(it in fault for fault in told.value.faults), it


@pytest.mark.parametrize("text", ["", "clients = 5", "[[clients]", "clients = []", "[[clients]]\nnaem = 1"])
def test_rel_09_a_file_without_clients_stops_the_start(tmp_path, text):
    file = tmp_path / "clients.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match="CDSHOOKS_CLIENTS"):
        read_clients(file, PROFILES)


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ('jwks_file = "keys.json"\njku = "http://far.example/keys"', "jku goes with jwks_file"),
        ('jwks_url = "https://a.example/keys"\njku = "https://a.example/keys"', "jku goes with jwks_file"),
    ],
)
def test_s_5_an_address_of_keys_stands_beside_a_file_alone(tmp_path, members, fault):
    (tmp_path / "keys.json").write_text('{"keys": []}', encoding="utf-8")
    file = tmp_path / "clients.toml"
    file.write_text(f'[[clients]]\nname = "a"\nissuer = "https://a"\n{members}\n', encoding="utf-8")
    with pytest.raises(SettingsError, match=fault):
        read_clients(file, PROFILES)


def test_rel_09_without_clients_only_dev_serves(loaded_knowledge, tmp_path):
    with pytest.raises(SettingsError, match="CDSHOOKS_CLIENTS: no EHR client"):
        build_app(Settings(is_evaluation=True, state_directory=tmp_path), loaded_knowledge)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_dev_mode_listens_on_a_loopback_address_only(host):
    answer = CliRunner().invoke(main, ["serve", "--dev", "--host", host])
    assert (answer.exit_code, "loopback" in answer.output) == (2, True)


def test_rel_09_an_unknown_profile_in_dev_mode_stops_the_start(loaded_knowledge, tmp_path):
    settings = Settings(is_dev=True, is_evaluation=True, dev_profile="epik", state_directory=tmp_path)
    with pytest.raises(
        SettingsError, match="CDSHOOKS_DEV_PROFILE must be one of epic, oracle-health, sandbox, standard"
    ):
        build_app(settings, loaded_knowledge)
