"""curl's options, as far as they decide how a pasted command is read. From its manual page (8.x)."""

from __future__ import annotations

# One letter: its long name.
SHORT = {
    "X": "request", "H": "header", "d": "data", "u": "user", "k": "insecure", "L": "location", "m": "max-time",
    "A": "user-agent", "e": "referer", "b": "cookie", "G": "get", "I": "head",
    "x": "proxy", "U": "proxy-user", "E": "cert", "F": "form", "T": "upload-file", "K": "config", "n": "netrc",
    "P": "ftp-port", "Q": "quote", "t": "telnet-option", ":": "next",
    "s": "silent", "S": "show-error", "v": "verbose", "i": "include", "f": "fail", "g": "globoff", "N": "no-buffer",
    "O": "remote-name", "J": "remote-header-name", "R": "remote-time", "q": "disable", "j": "junk-session-cookies",
    "0": "http1.0", "4": "ipv4", "6": "ipv6", "1": "tlsv1", "#": "progress-bar", "Z": "parallel", "a": "append",
    "M": "manual", "V": "version", "l": "list-only", "B": "use-ascii", "p": "proxytunnel",
    "o": "output", "D": "dump-header", "c": "cookie-jar", "w": "write-out", "C": "continue-at", "r": "range",
    "y": "speed-time", "Y": "speed-limit", "z": "time-cond",
}  # fmt: skip

# Understood, with a value.
WITH_VALUE = frozenset({
    "url", "request", "header", "data", "data-ascii", "data-binary", "data-raw", "data-urlencode", "json", "url-query",
    "user", "oauth2-bearer", "max-time", "user-agent", "referer", "cookie",
})  # fmt: skip

# Understood, without one.
FLAGS = frozenset({"insecure", "location", "get", "head", "basic"})

_PROXY = "monitors use no proxy."
_CERTIFICATE = "monitors have no client certificates."
_FILE = "files are not read. Paste the content itself."
_LOGIN = "monitors log in with Basic, a Bearer token or an API key."
REFUSED = {
    "proxy": _PROXY,
    "proxy-user": _PROXY,
    "proxytunnel": _PROXY,
    "preproxy": _PROXY,
    "socks4": _PROXY,
    "socks4a": _PROXY,
    "socks5": _PROXY,
    "socks5-hostname": _PROXY,
    "proxy-header": _PROXY,
    "cert": _CERTIFICATE,
    "cert-type": _CERTIFICATE,
    "key": _CERTIFICATE,
    "key-type": _CERTIFICATE,
    "pass": _CERTIFICATE,
    "config": _FILE,
    "netrc": _FILE,
    "netrc-file": _FILE,
    "netrc-optional": _FILE,
    "upload-file": _FILE,
    "form": "forms with files (multipart) cannot be sent. Use --data, or a text body.",
    "form-string": "forms with files (multipart) cannot be sent. Use --data, or a text body.",
    "next": "paste one request at a time.",
    "digest": _LOGIN,
    "ntlm": _LOGIN,
    "negotiate": _LOGIN,
    "anyauth": _LOGIN,
    "aws-sigv4": _LOGIN,
    "unix-socket": "monitors reach hosts by the network only.",
    "abstract-unix-socket": "monitors reach hosts by the network only.",
    "ftp-port": "monitors speak HTTP only.",
    "quote": "monitors speak HTTP only.",
    "telnet-option": "monitors speak HTTP only.",
}

# Without meaning for a monitor.
_FLAGS_IGNORED = """
    silent show-error verbose include fail fail-with-body fail-early globoff no-buffer remote-name remote-
    name-all remote-header-name remote-time disable junk-session-cookies http0.9 http1.0 http1.1 http2
    http2-prior-knowledge http3 http3-only ipv4 ipv6 tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 tlsv1.3 sslv2 sslv3 ssl
    ssl-reqd progress-bar no-progress-meter parallel append manual version list-only use-ascii compressed
    compressed-ssh tcp-nodelay tcp-fastopen no-keepalive keepalive raw tr-encoding path-as-is location-
    trusted post301 post302 post303 retry-connrefused retry-all-errors styled-output create-dirs disallow-
    username-in-url cert-status crlf no-alpn no-npn no-sessionid ca-native ssl-allow-beast ssl-no-revoke ssl-
    revoke-best-effort haproxy-protocol xattr trace-time trace-ids metalink remove-on-error skip-existing
"""
_VALUES_IGNORED = """
    output output-dir dump-header cookie-jar write-out continue-at range speed-time speed-limit time-cond
    connect-timeout retry retry-delay retry-max-time max-redirs max-filesize limit-rate rate resolve connect-
    to interface local-port dns-servers dns-interface dns-ipv4-addr dns-ipv6-addr doh-url noproxy cacert
    capath ciphers tls13-ciphers tls-max curves pinnedpubkey crlfile keepalive-time expect100-timeout happy-
    eyeballs-timeout-ms proto proto-default proto-redir trace trace-ascii stderr parallel-max alt-svc hsts
    etag-save etag-compare request-target service-name delegation egd-file random-file variable engine login-
    options sasl-authzid
"""

# "flag", or "value" where another word belongs to it.
IGNORED = {
    **dict.fromkeys(_FLAGS_IGNORED.split(), "flag"),
    **dict.fromkeys(_VALUES_IGNORED.split(), "value"),
}
