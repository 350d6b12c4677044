"""A pasted curl command becomes the request that it would have made; what cannot be done is refused by name."""

from __future__ import annotations

import base64
import json
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitors.checkers.spec import AuthSpec
from apps.monitors.curl import CurlError, CurlRequest, parse_curl

URL = "https://shop.example.com/orders"


def test_an_address_alone_is_a_get():
    assert parse_curl("curl https://shop.example.com/orders") == CurlRequest("GET", URL)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("-X PUT", {"method": "PUT"}),
        ("-XDELETE", {"method": "DELETE"}),
        ("--request PATCH", {"method": "PATCH"}),
        ("--request=PATCH", {"method": "PATCH"}),
        ("-I", {"method": "HEAD"}),
        ("-sSL", {"follow_redirects": True}),
        ("-k", {"verify_tls": False}),
        ("-m 7.5", {"timeout_s": 7.5}),
        ("--max-time 7", {"timeout_s": 7.0}),
        ("-H 'X-Client: status'", {"headers": (("X-Client", "status"),)}),
        ("-H 'X-Empty;'", {"headers": (("X-Empty", ""),)}),
        ("-H 'X-A: 1' -H 'x-a: 2'", {"headers": (("X-A", "1, 2"),)}),
        ("-A robin/1", {"headers": (("User-Agent", "robin/1"),)}),
        ("-e 'https://a.example/;auto'", {"headers": (("Referer", "https://a.example/"),)}),
        ("-b a=1 --cookie b=2", {"headers": (("Cookie", "a=1; b=2"),)}),
        ("-H ':authority: shop' -H 'Accept-Encoding: zstd' -H 'Content-Length: 3'", {"headers": ()}),
        ("-u robin:s3cret", {"auth": AuthSpec("basic", "robin", "s3cret")}),
        ("-u robin", {"auth": AuthSpec("basic", "robin", "")}),
        ("-H 'Authorization: Bearer t0k'", {"auth": AuthSpec("bearer", token="t0k"), "headers": ()}),
        ("--oauth2-bearer t0k", {"auth": AuthSpec("bearer", token="t0k")}),
        ("-H 'authorization: Token t0k'", {"auth": AuthSpec("api_key", key="authorization", value="Token t0k")}),
        ("-H 'X-Api-Key: t0k' -H 'A: b'", {"auth": AuthSpec("api_key", key="X-Api-Key", value="t0k"), "headers": (("A", "b"),)}),
        ('-H "Authorization: Bearer $TOKEN"', {"auth": AuthSpec("bearer", token="{{TOKEN}}")}),
        ("--url-query 'q=a b'", {"url": f"{URL}?q=a%20b"}),
    ],
)  # fmt: skip
def test_an_option_means_what_curl_means_by_it(options: str, expected: dict[str, Any]):
    found = parse_curl(f"curl {options} {URL}")

    assert {name: getattr(found, name) for name in expected} == expected


@pytest.mark.parametrize(
    ("options", "method", "body", "headers", "is_json"),
    [
        ("-d a=1 -d b=2", "POST", "a=1&b=2", (("Content-Type", "application/x-www-form-urlencoded"),), False),
        ("--data-raw @a", "POST", "@a", (("Content-Type", "application/x-www-form-urlencoded"),), False),
        ("--data-binary 'a\nb' -H 'content-type: text/plain'", "POST", "a\nb", (("content-type", "text/plain"),), False),
        ("--data-urlencode 'q=a b&c'", "POST", "q=a%20b%26c", (("Content-Type", "application/x-www-form-urlencoded"),), False),
        ("--data-urlencode 'q={{name}}'", "POST", "q={{name}}", (("Content-Type", "application/x-www-form-urlencoded"),), False),
        ("-X PUT -d '{\"a\": 1}' -H 'Content-Type: application/json'", "PUT", '{"a": 1}', (), True),
        ("-d '{oops' -H 'Content-Type: application/json'", "POST", "{oops", (("Content-Type", "application/json"),), False),
        ("--json '{\"a\":' --json '1}'", "POST", '{"a":1}', (("Accept", "application/json"),), True),
        ("-d '' ", "POST", "", (("Content-Type", "application/x-www-form-urlencoded"),), False),
    ],
)  # fmt: skip
def test_data_is_the_body(
    options: str, method: str, body: str, headers: tuple[Any, ...], is_json: bool
):
    found = parse_curl(f"curl {options} {URL}")

    assert (found.method, found.body, found.headers, found.is_json) == (
        method,
        body,
        headers,
        is_json,
    )


def test_with_get_the_data_is_the_query():
    found = parse_curl(f"curl -G -d a=1 --data-urlencode 'b=x y' '{URL}?z=0'")

    assert (found.method, found.url, found.body) == ("GET", f"{URL}?z=0&a=1&b=x%20y", None)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("shop.example.com/x", "http://shop.example.com/x"),
        ("{{base}}/x", "{{base}}/x"),
        ("$BASE/x", "{{BASE}}/x"),
        ("--url https://a.example/", "https://a.example/"),
        ("https://a.example/?a=1&b=2", "https://a.example/?a=1&b=2"),
        ("-- https://a.example/", "https://a.example/"),
    ],
)
def test_the_address_is_read_as_it_was_meant(url: str, expected: str):
    assert parse_curl(f"curl {url}").url == expected


def test_a_password_in_the_address_goes_to_the_masked_fields():
    found = parse_curl("curl https://robin:p%40ss@shop.example.com/orders")

    assert (found.url, found.auth) == (URL, AuthSpec("basic", "robin", "p@ss"))


def test_basic_credentials_in_a_header_are_decoded():
    encoded = base64.b64encode(b"robin:s3:cret").decode()

    found = parse_curl(f"curl {URL} -H 'Authorization: Basic {encoded}'")

    assert found.auth == AuthSpec("basic", "robin", "s3:cret")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("", "begins with curl"),
        ("wget https://a.example/", "begins with curl"),
        ("curl", "has no URL"),
        ("curl -X", "-X needs a value"),
        ("curl https://a.example/ https://b.example/", "2 URLs"),
        (f"curl -x proxy:3128 {URL}", "-x (--proxy): monitors use no proxy."),
        (f"curl --proxy proxy:3128 {URL}", "--proxy: monitors use no proxy."),
        (f"curl --cert me.pem {URL}", "--cert: monitors have no client certificates."),
        (f"curl -sE me.pem {URL}", "-E (--cert)"),
        (f"curl -d @secrets.json {URL}", "-d @secrets.json: files are not read"),
        (f"curl --data-binary @- {URL}", "--data-binary @-: files are not read"),
        (f"curl --data-urlencode name@file {URL}", "--data-urlencode name@file: files"),
        (f"curl --json @a.json {URL}", "--json @a.json: files"),
        (f"curl -b jar.txt {URL}", "-b jar.txt: files"),
        (f"curl -H @headers {URL}", "-H @headers: files"),
        (f"curl -K curl.conf {URL}", "-K (--config)"),
        (f"curl -F a=@b {URL}", "-F (--form)"),
        (f"curl -T a {URL}", "-T (--upload-file)"),
        (f"curl --digest -u a:b {URL}", "--digest: monitors log in with"),
        (f"curl {URL} --next {URL}", "--next: paste one request"),
        (f"curl -m soon {URL}", "-m soon: write a number"),
        (f"curl -m 0 {URL}", "-m 0: a timeout is from"),
        (f"curl -H nonsense {URL}", "is no header"),
        (f"curl --json 1 -d 2 {URL}", "one body"),
        (f"curl '{URL}", "opened and not closed"),
        (f'curl "{URL}', "opened and not closed"),
        (f"curl $'{URL}", "opened and not closed"),
        (f"curl {URL} -H \"Date: $(date)\"", "are not run"),
        (f"curl {URL} -H \"Date: `date`\"", "are not run"),
        ("curl " + "x" * 200_001, "longer than"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_refused_by_name(command: str, message: str):
    with pytest.raises(CurlError) as refused:
        parse_curl(command)

    assert message in str(refused.value)


def test_what_means_nothing_to_a_monitor_is_left_out_and_named():
    found = parse_curl(
        f"curl -sS --compressed -o out.json --retry 3 --frobnicate {URL} -w '%{{http_code}}' | jq ."
    )

    assert (found.method, found.url) == ("GET", URL)
    left_out, rest = found.notes
    assert left_out.endswith("-s, -S, --compressed, -o, --retry, --frobnicate, -w.")
    assert rest == "What follows the command was left out."


def test_shell_variables_become_the_monitors():
    found = parse_curl('curl "https://$HOST/${PATH_OF_IT}/x" -u "$USER:${PASS}" -H \'X: $NOT\'')

    assert found.url == "https://{{HOST}}/{{PATH_OF_IT}}/x"
    assert found.auth == AuthSpec("basic", "{{USER}}", "{{PASS}}")
    assert found.headers == (("X", "$NOT"),)
    assert "{{HOST}}, {{PATH_OF_IT}}, {{USER}}, {{PASS}}" in found.notes[0]


def test_a_browsers_command_for_bash_is_read():
    found = parse_curl(
        "curl 'https://shop.example.com/orders' \\\n"
        "  -H 'accept: application/json' \\\n"
        "  -H 'content-type: application/json' \\\n"
        '  --data-raw $\'{"text":"it\\\'s \\u00fcber\\\\n\\x21"}\' \\\n'
        "  --compressed"
    )

    assert found.headers == (("accept", "application/json"),)
    assert json.loads(found.body or "") == {"text": "it's über\n!"}


def test_a_browsers_command_for_windows_is_read():
    found = parse_curl(
        'curl ^"https://shop.example.com/orders?a=1^&b=50^%^25^" ^\r\n'
        '  -H ^"accept: */*^" ^\r\n'
        '  -H ^"content-type: application/json^" ^\r\n'
        '  --data-raw ^"^{^\\^"path^\\^":^\\^"C:^\\^\\x^\\^",^\\^"n^\\^":1^}^"'
    )

    assert found.url == f"{URL}?a=1&b=50%25"
    assert found.headers == (("accept", "*/*"),)
    assert (found.is_json, found.body) == (True, '{"path":"C:\\\\x","n":1}')


def test_an_older_browsers_command_for_windows_is_read():
    found = parse_curl(
        'curl "https://shop.example.com/orders" ^\n  -H "X-Note: say ""hi"" \\"there\\"" ^\n  --insecure'
    )

    assert found.headers == (("X-Note", 'say "hi" "there"'),)
    assert found.verify_tls is False


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
_TOKEN = st.from_regex(r"X-[A-Za-z]{1,12}", fullmatch=True).filter(
    lambda name: not any(word in name.lower() for word in ("token", "key", "secret", "cookie"))
)
_VALUE = _TEXT.map(str.strip).filter(bool)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    path=_TEXT,
    headers=st.dictionaries(_TOKEN, _VALUE, max_size=4),
    body=st.none() | _TEXT,
    user=st.none()
    | st.tuples(_TEXT.filter(lambda t: ":" not in t), st.text(_TEXT.map(lambda t: t[0]))),
)
def test_a_request_written_as_a_command_is_read_back(
    method: str,
    path: str,
    headers: dict[str, str],
    body: str | None,
    user: tuple[str, str] | None,
):
    headers = {name.title(): value for name, value in headers.items()}
    url = f"https://shop.example.com/{path.replace('@', '')}"
    words = ["curl", "-X", method, url]
    for name, value in headers.items():
        words += ["-H", f"{name}: {value}"]
    if body is not None:
        words += ["-H", "Content-Type: text/plain", "--data-raw", body]
        headers["Content-Type"] = "text/plain"
    auth = AuthSpec()
    if user is not None:
        words += ["--user", ":".join(user)]
        auth = AuthSpec("basic", *user)

    found = parse_curl(shlex.join(words))

    assert found == CurlRequest(method, url, tuple(headers.items()), body, auth=auth)


@given(st.text(max_size=200))
def test_whatever_is_pasted_is_read_or_refused(text: str):
    for command in (text, f"curl {text}", f'curl ^"{text}'):
        try:
            found = parse_curl(command)
        except CurlError:
            continue
        assert found.url
