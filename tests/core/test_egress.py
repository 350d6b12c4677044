"""Requests against real servers on loopback: what is sent, what comes back, and what goes wrong."""

from __future__ import annotations

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import trustme

from apps.core.egress import EgressRequest, Fault, Transfers
from tests.core.egress_support import names, request, server_tls
from tests.core.loopback import answering, hanging, redirecting, routing, serving


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def transfers(
    authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Transfers]:
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    transfers = Transfers(
        user_agent="statusplatform/test",
        ca_file=str(ca_file),
        resolve=names({"inside.test": ("127.0.0.1",), "other.test": ("127.0.0.1",)}),
    )
    yield transfers
    transfers.close()


def test_an_answer_comes_with_status_headers_body_timings_and_address(
    transfers: Transfers,
) -> None:
    with serving(answering(b"hello", headers=("X-A: 1", "x-a: 2", "X-B: \xfc"))) as server:
        response = transfers.fetch(request(server.url("/p?q=1")))

    assert (response.status, response.body, response.error) == (200, b"hello", None)
    assert response.header("X-A") == "1, 2"
    assert response.http_version == "1.1"
    assert response.remote_address == f"127.0.0.1:{server.port}"
    assert response.timings.connect_ms > 0
    assert response.timings.first_byte_ms > 0
    assert response.timings.total_ms >= response.timings.first_byte_ms
    assert response.finished_at is not None
    assert response.finished_at.tzinfo is not None


def test_it_says_who_asks_and_sends_text_as_utf8(transfers: Transfers) -> None:
    with serving(answering()) as server:
        transfers.fetch(request(server.url("/ä b"), headers=(("X-Name", "Zoë"), ("X-Empty", ""))))

    sent = server.asked[0]
    assert b"GET /%C3%A4%20b HTTP/1.1\r\n" in sent
    assert b"User-Agent: statusplatform/test\r\n" in sent
    assert "X-Name: Zoë\r\n".encode() in sent
    assert b"X-Empty:\r\n" in sent


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
def test_a_body_is_sent_whole_with_any_method_and_without_a_made_up_type(
    transfers: Transfers, method: str
) -> None:
    with serving(answering()) as server:
        transfers.fetch(request(server.url(), method, body=b"a\0b" * 1000))

    sent = server.asked[0]
    assert sent.startswith(method.encode() + b" / ")
    assert sent.endswith(b"\r\n\r\n" + b"a\0b" * 1000)
    assert b"Content-Type" not in sent
    assert b"Expect" not in sent


def test_an_empty_post_says_that_it_is_empty(transfers: Transfers) -> None:
    with serving(answering()) as server:
        transfers.fetch(request(server.url(), "POST"))

    assert b"Content-Length: 0\r\n" in server.asked[0]


def test_nothing_of_a_request_is_left_in_the_next_one(transfers: Transfers) -> None:
    with serving(answering()) as server:
        transfers.fetch(
            request(server.url(), "POST", body=b"x", headers=(("X-Secret", "1"),), cookies=())
        )
        transfers.fetch(request(server.url()))

    assert server.asked[1].startswith(b"GET / ")
    assert b"X-Secret" not in server.asked[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"headers": (("X-A", "1\r\nX-B: 2"),)}, "header X-A holds a line break"),
        ({"headers": (("X-A", "1\0"),)}, "header X-A holds a line break"),
        ({"headers": (("X A", "1"),)}, "header name 'X A'"),
        ({"headers": (("X-A", "\ud800"),)}, "header X-A holds text that is not Unicode"),
        ({"method": "GET /x"}, "the method"),
        ({"url": "http://127.0.0.1/\r\nX: y"}, "the URL holds a line break"),
        ({"url": "gopher://127.0.0.1/"}, "http:// or https://"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_the_field_named(
    transfers: Transfers, options: dict[str, object], message: str
) -> None:
    wanted = EgressRequest(**{"method": "GET", "url": "http://127.0.0.1/", **options})  # type: ignore[arg-type]

    response = transfers.fetch(wanted)

    assert response.error is not None
    assert response.error.code == "invalid_request"
    assert response.error.fault is Fault.REQUEST
    assert message in response.error.message


def test_a_compressed_body_is_decoded(transfers: Transfers) -> None:
    packed = gzip.compress(b"hello " * 100)
    with serving(answering(packed, headers=("Content-Encoding: gzip",))) as server:
        response = transfers.fetch(request(server.url()))

    assert response.body == b"hello " * 100
    assert b"Accept-Encoding: " in server.asked[0]


def test_a_body_over_the_cap_is_cut_and_said_to_be_too_large(transfers: Transfers) -> None:
    with serving(answering(b"x" * 300_000)) as server:
        response = transfers.fetch(request(server.url(), max_body_bytes=100_000))

    assert response.status == 200
    assert len(response.body) == 100_000
    assert response.body_truncated
    assert response.error is not None
    assert response.error.code == "body_too_large"


def test_a_body_of_exactly_the_cap_is_whole(transfers: Transfers) -> None:
    with serving(answering(b"x" * 100_000)) as server:
        response = transfers.fetch(request(server.url(), max_body_bytes=100_000))

    assert response.error is None
    assert not response.body_truncated


def test_a_decompression_bomb_is_stopped_at_the_cap(transfers: Transfers) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(200)) + packer.flush()
    with serving(answering(bomb, headers=("Content-Encoding: gzip",))) as server:
        response = transfers.fetch(request(server.url()))

    assert len(response.body) == 1_000_000
    assert response.error is not None
    assert response.error.code == "body_too_large"


def _raw(data: bytes) -> object:
    return lambda connection, _: connection.sendall(data)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"", "closed_early"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not_http"),
        (b"220 mail.example ESMTP\r\n", "not_http"),
        (b"\x16\x03\x01\x02\x00\x01\x00\xfa" * 30, "not_http"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", "closed_early"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\nabc", "protocol_error"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
            "bad_encoding",
        ),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Flood: " + b"y" * 400_000 + b"\r\n\r\n", "headers_too_large"),
        (b"HTTP/1.1 200 OK\r\n" + b"X-Flood: yyyyyyyy\r\n" * 40_000 + b"\r\n", "headers_too_large"),
    ],
)
def test_a_target_that_answers_wrongly_is_an_error_with_a_reason(
    transfers: Transfers, sent: bytes, code: str
) -> None:
    with serving(_raw(sent)) as server:  # type: ignore[arg-type]
        response = transfers.fetch(request(server.url()))

    assert response.error is not None
    assert response.error.code == code, response.error
    assert response.error.message


def test_a_target_that_refuses_connections_is_an_error_that_says_so(
    transfers: Transfers,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    response = transfers.fetch(request(f"http://127.0.0.1:{port}/"))

    assert response.error is not None
    assert (response.error.code, response.error.fault) == ("connect_failed", Fault.NETWORK)
    assert response.error.message == f"connection refused by 127.0.0.1:{port}"


def test_a_name_that_does_not_resolve_is_an_error_that_says_so(transfers: Transfers) -> None:
    response = transfers.fetch(request("http://nowhere.test/"))

    assert response.error is not None
    assert response.error.code == "dns_failed"
    assert "nowhere.test does not resolve: no such name" in response.error.message


def test_a_hanging_target_times_out_with_the_phase_named(transfers: Transfers) -> None:
    with serving(hanging()) as server:
        response = transfers.fetch(request(server.url(), timeout_s=0.3))

    assert response.error is not None
    assert response.error.code == "timeout"
    assert "no answer came within 0.3 s" in response.error.message
    assert response.timings.total_ms >= 290


def test_a_body_that_drips_is_ended_by_the_total_time(transfers: Transfers) -> None:
    def drip(connection: socket.socket, _: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    stop = threading.Event()
    with serving(drip) as server:
        response = transfers.fetch(request(server.url(), timeout_s=0.4))
        stop.set()

    assert response.status == 200
    assert response.error is not None
    assert response.error.code == "timeout"
    assert "the answer did not end" in response.error.message


def test_a_server_that_never_ends_the_tls_handshake_is_named(transfers: Transfers) -> None:
    with serving(hanging(), reads=False) as server:
        url = server.url().replace("http:", "https:")
        response = transfers.fetch(request(url, timeout_s=0.3))

    assert response.error is not None
    assert "the TLS handshake did not end" in response.error.message


def test_plain_http_on_a_tls_port_is_an_error(transfers: Transfers) -> None:
    with serving(answering(), reads=False) as server:
        response = transfers.fetch(request(server.url().replace("http:", "https:")))

    assert response.error is not None
    assert response.error.code == "tls_failed"


def test_a_verified_certificate_tells_when_it_expires(
    transfers: Transfers, authority: trustme.CA
) -> None:
    ends = datetime(2037, 5, 6, 7, 8, 9, tzinfo=UTC)
    tls = server_tls(authority, "localhost", not_after=ends)
    with serving(answering(), tls=tls) as server:
        response = transfers.fetch(request(server.url(host="localhost")))

    assert response.error is None
    assert response.certificate_expires_at == ends
    assert response.timings.tls_ms > 0


def test_http_2_is_spoken_where_the_server_offers_it(
    transfers: Transfers, authority: trustme.CA
) -> None:
    tls = server_tls(authority, "localhost")
    tls.set_alpn_protocols(["h2", "http/1.1"])

    def reply(connection: socket.socket, _: bytes) -> None:
        # SETTINGS, empty; then HEADERS on stream 1 with `:status: 200` alone, which ends it (RFC 9113; RFC 7541, A).
        connection.sendall(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\1\1\5\0\0\0\1\x88")
        while connection.recv(65_536):
            pass

    with serving(reply, tls=tls) as server:
        response = transfers.fetch(request(server.url(host="localhost")))

    assert response.error is None
    assert (response.status, response.http_version) == (200, "2")
    assert server.asked[0].startswith(b"PRI * HTTP/2.0")


def test_an_expired_certificate_is_refused_and_still_tells_when_it_expired(
    transfers: Transfers, authority: trustme.CA
) -> None:
    ended = datetime(2025, 1, 1, tzinfo=UTC)
    tls = server_tls(authority, "localhost", not_after=ended)
    with serving(answering(), tls=tls) as server:
        refused = transfers.fetch(request(server.url(host="localhost")))
        tolerated = transfers.fetch(request(server.url(host="localhost"), verify_tls=False))

    assert refused.error is not None
    assert refused.error.code == "certificate_invalid"
    assert "expired" in refused.error.message
    assert refused.certificate_expires_at == ended
    assert (tolerated.status, tolerated.certificate_expires_at) == (200, ended)


@pytest.mark.parametrize("wrong", ["host", "authority"])
def test_a_certificate_of_another_host_or_authority_is_refused(
    transfers: Transfers, authority: trustme.CA, wrong: str
) -> None:
    issuer = trustme.CA() if wrong == "authority" else authority
    tls = server_tls(issuer, "elsewhere.example" if wrong == "host" else "localhost")
    with serving(answering(), tls=tls) as server:
        response = transfers.fetch(request(server.url(host="localhost")))

    assert response.error is not None
    assert response.error.code == "certificate_invalid"
    assert not any(server.asked)


def test_without_trusted_certificates_the_fault_is_ours() -> None:
    transfers = Transfers(ca_file=None)

    response = transfers.fetch(request("https://127.0.0.1:1/"))
    transfers.close()

    assert response.error is not None
    assert (response.error.code, response.error.fault) == ("no_ca_file", Fault.PLATFORM)


# Redirects.


def test_redirects_are_followed_each_on_its_own_connection(transfers: Transfers) -> None:
    routes = {"/a": redirecting("/b"), "/b": redirecting("c?x=1"), "/c": answering(b"end")}
    with serving(routing(routes)) as server:
        response = transfers.fetch(request(server.url("/a")))

    assert (response.status, response.body, response.redirects) == (200, b"end", 2)
    assert response.url == server.url("/c?x=1")
    assert len(server.asked) == 3


def test_a_redirect_is_the_answer_when_following_is_off(transfers: Transfers) -> None:
    with serving(redirecting("/b")) as server:
        response = transfers.fetch(request(server.url(), follow_redirects=False))

    assert (response.status, response.error) == (302, None)


def test_a_redirect_loop_ends_after_ten(transfers: Transfers) -> None:
    with serving(redirecting("/again")) as server:
        response = transfers.fetch(request(server.url()))

    assert response.error is not None
    assert response.error.code == "too_many_redirects"
    assert response.redirects == 10
    assert len(server.asked) == 11


@pytest.mark.parametrize(
    ("status", "method", "body"),
    [
        ("301 Moved", b"GET", b""),
        ("302 Found", b"GET", b""),
        ("303 See Other", b"GET", b""),
        ("307 Temporary", b"POST", b"data"),
        ("308 Permanent", b"POST", b"data"),
    ],
)
def test_a_redirect_turns_a_post_into_a_get_but_for_307_and_308(
    transfers: Transfers, status: str, method: bytes, body: bytes
) -> None:
    with serving(routing({"/a": redirecting("/b", status), "/b": answering()})) as server:
        transfers.fetch(
            request(server.url("/a"), "POST", body=b"data", headers=(("Content-Type", "x/y"),))
        )

    head, _, sent_body = server.asked[1].partition(b"\r\n\r\n")
    assert head.startswith(method + b" /b ")
    assert sent_body == body
    assert (b"Content-Type" in head) == bool(body)


def test_credentials_do_not_follow_a_redirect_to_another_origin(transfers: Transfers) -> None:
    headers = (("Authorization", "Bearer t"), ("X-Key", "k"), ("X-Plain", "p"))
    with (
        serving(answering()) as other,
        serving(
            routing({"/away": redirecting(other.url("/x")), "/stay": redirecting("/end")})
        ) as server,
    ):
        for path in ("/away", "/stay"):
            transfers.fetch(
                request(server.url(path), headers=headers, credential_headers=frozenset({"x-key"}))
            )

    assert b"Authorization" not in other.asked[0]
    assert b"X-Key" not in other.asked[0]
    assert b"X-Plain: p" in other.asked[0]
    assert b"Authorization: Bearer t" in server.asked[2]
    assert b"X-Key: k" in server.asked[2]


@pytest.mark.parametrize(
    "location", ["file:///etc/passwd", "ftp://127.0.0.1/", "http://", "gopher://127.0.0.1:25/_x"]
)
def test_a_redirect_out_of_http_is_not_followed(transfers: Transfers, location: str) -> None:
    with serving(redirecting(location)) as server:
        response = transfers.fetch(request(server.url()))

    assert response.error is not None
    assert response.error.fault in (Fault.TARGET, Fault.REQUEST)
    assert len(server.asked) == 1


def test_the_time_limit_is_for_all_hops_together(transfers: Transfers) -> None:
    def slowly(connection: socket.socket, asked: bytes) -> None:
        threading.Event().wait(0.15)
        redirecting("/again")(connection, asked)

    with serving(slowly) as server:
        response = transfers.fetch(request(server.url(), timeout_s=0.4))

    assert response.error is not None
    assert response.error.code == "timeout"
    assert 1 <= response.redirects <= 3


# The guard, at connect time.


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://2852039166/",
        "http://10.0.0.1/",
        "http://inside.test:{port}/",
    ],
)
def test_a_redirect_to_an_internal_address_is_refused_and_says_so(
    transfers: Transfers, location: str
) -> None:
    with serving(answering(b"internal")) as internal:
        target = location.replace("{port}", str(internal.port))
        with serving(redirecting(target)) as server:
            response = transfers.fetch(request(server.url()))

    assert response.error is not None
    assert response.error.code == "address_refused"
    assert response.error.fault is Fault.REQUEST
    assert "a redirect leads to" in response.error.message
    assert internal.asked == []


def test_a_name_with_a_private_address_is_refused_unless_its_host_is_trusted(
    transfers: Transfers,
) -> None:
    with serving(answering()) as server:
        url = server.url(host="inside.test")
        refused = transfers.fetch(request(url, trusted_hosts=frozenset({"other.test"})))
        allowed = transfers.fetch(request(url, trusted_hosts=frozenset({"inside.test"})))

    assert refused.error is not None
    assert "inside.test at 127.0.0.1, a loopback address" in refused.error.message
    assert allowed.status == 200
    assert len(server.asked) == 1


def test_a_trusted_host_may_redirect_to_itself_but_not_to_another_private_one(
    transfers: Transfers,
) -> None:
    routes = {"/a": redirecting("/end"), "/end": answering()}
    with serving(routing(routes)) as server:
        away = redirecting(server.url("/end", host="other.test"))
        routes["/b"] = away
        trusted = frozenset({"inside.test"})
        same = transfers.fetch(request(server.url("/a", host="inside.test"), trusted_hosts=trusted))
        other = transfers.fetch(
            request(server.url("/b", host="inside.test"), trusted_hosts=trusted)
        )

    assert same.status == 200
    assert other.error is not None
    assert other.error.code == "address_refused"


def test_a_proxy_in_the_environment_is_not_used(
    transfers: Transfers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(answering(b"proxied")) as proxy, serving(answering(b"direct")) as server:
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        response = transfers.fetch(request(server.url()))

    assert response.body == b"direct"


# Cookies.


def test_cookies_last_for_the_jar_they_are_given_back_in(transfers: Transfers) -> None:
    with serving(
        routing(
            {
                "/in": answering(
                    b"", status="302 Found", headers=("Set-Cookie: s=1", "Location: /x")
                ),
                "/x": answering(),
            }
        )
    ) as server:
        first = transfers.fetch(request(server.url("/in"), cookies=()))
        transfers.fetch(request(server.url("/x"), cookies=first.cookies))
        transfers.fetch(request(server.url("/x"), cookies=()))
        transfers.fetch(request(server.url("/x")))

    sent = [b"Cookie: s=1" in asked for asked in server.asked]
    assert sent == [False, True, True, False, False]
