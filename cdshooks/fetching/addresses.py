"""Where we connect to: configured bases alone, links below them alone, and addresses that were checked. Source: OUT-01, OUT-02.

A URL that comes from outside is compared and then forgotten; what is asked is made of the configured base.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import unquote, urljoin, urlsplit

import msgspec

_DEFAULT_PORTS = {"https": 443, "http": 80}
_LONGEST_URL = 8192
_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
_NAT64 = ip_network("64:ff9b::/96")
_MOST_ADDRESSES = 4

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Lookup = Callable[[str, int], Iterable[str]]
"""The addresses of a host, as written; OSError when there is none."""


class ForbiddenAddressError(Exception):
    """A name leads to no address that may be connected to."""


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """The base of a FHIR server, in the one form in which bases are compared; ``path`` has no slash at its end."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """As it is written; a port that goes without saying is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"

    @property
    def is_loopback(self) -> bool:
        """Whether it names this machine in so many words; no other notation of such an address counts."""
        return self.host in {"127.0.0.1", "::1", "localhost"}


def read_base(url: str) -> Base | None:
    """The base that a URL names; None for what is no plain http or https URL of printable ASCII."""
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url or len(url) > _LONGEST_URL:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc or parts.query or "#" in url:
        return None
    if _has_dots(parts.path):
        return None
    return Base(
        scheme=parts.scheme,
        host=parts.hostname.lower(),
        port=port or _DEFAULT_PORTS[parts.scheme],
        path=parts.path.rstrip("/"),
    )


def page_below(base: Base, asked: str, link: str) -> str | None:
    """The URL of a further page, if it lies under the same base of the same origin; a relative link is read from ``asked``."""
    if not link.isascii() or not link.isprintable() or " " in link or "\\" in link or len(link) > _LONGEST_URL:
        return None
    try:
        url = urljoin(asked, link)
        where, _, query = url.partition("?")
    except ValueError:
        return None
    page = read_base(where)
    if page is None or "#" in url:
        return None
    is_same_origin = (page.scheme, page.host, page.port) == (base.scheme, base.host, base.port)
    if not is_same_origin or not (page.path == base.path or page.path.startswith(base.path + "/")):
        return None
    return page.url + (f"?{query}" if query else "")


def _has_dots(path: str) -> bool:
    """Whether a segment leads upwards, in any spelling."""
    return any(unquote(it) in {".", ".."} for it in unquote(path).split("/"))


class AddressPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Which addresses a base may lead to: public ones, and those of the networks that the client's entry names."""

    networks: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether it may be connected to; an IPv4 address inside an IPv6 one is judged by itself."""
        plain = _plain(address)
        if any(plain in it for it in self.networks):
            return True
        return plain.is_global and not plain.is_multicast and not plain.is_reserved


def policy_for(base: Base, networks: Iterable[str]) -> AddressPolicy:
    """The policy of one base. An address written out in the base was chosen by who wrote it, and so was ``localhost``."""
    allowed = [ip_network(it) for it in networks]
    try:
        written = _plain(ip_address(base.host))
    except ValueError:
        if base.is_loopback:
            allowed.extend(_LOOPBACK)
    else:
        allowed.append(ip_network(written))
    return AddressPolicy(networks=tuple(allowed))


def _plain(address: Address) -> Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


class Resolver:
    """Looks hosts up without ever waiting longer than asked to; calls for one host at one time share a look-up."""

    def __init__(self, lookup: Lookup | None = None) -> None:
        self._lookup = lookup or _look_up
        self._lock = threading.Lock()
        self._running: dict[tuple[str, int], Future[tuple[str, ...]]] = {}

    def addresses(self, host: str, port: int, policy: AddressPolicy, until: float) -> tuple[str, ...]:
        """The addresses of a host that may be connected to, until a moment of the monotonic clock.

        Raises:
            ForbiddenAddressError: There are addresses, and none of them is allowed.
            OSError: There is none.
            TimeoutError: The names' server does not answer in time.
        """
        try:
            found = self._begin(host, port).result(max(0.0, until - time.monotonic()))
        except FutureTimeoutError:
            raise TimeoutError from None
        allowed = tuple(it for it in found if policy.permits(ip_address(it.partition("%")[0])))
        if not allowed:
            raise ForbiddenAddressError
        return allowed[:_MOST_ADDRESSES]

    def _begin(self, host: str, port: int) -> Future[tuple[str, ...]]:
        with self._lock:
            running = self._running.get((host, port))
            if running is not None:
                return running
            running = self._running[host, port] = Future()
        threading.Thread(target=self._run, args=(host, port, running), name="fhir-names", daemon=True).start()
        return running

    def _run(self, host: str, port: int, running: Future[tuple[str, ...]]) -> None:
        try:
            found = tuple(self._lookup(host, port))
        except (OSError, UnicodeError) as error:
            with self._lock:
                del self._running[host, port]
            running.set_exception(OSError(type(error).__name__))
            return
        with self._lock:
            del self._running[host, port]
        running.set_result(found)


def _look_up(host: str, port: int) -> Iterable[str]:
    return dict.fromkeys(str(it[4][0]) for it in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
