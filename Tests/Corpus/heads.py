"""Hostile request heads: (name, bytes, expect, status, why)."""

BODY = b'{"model":"m"}'
LINE = b"POST /v1/chat/completions HTTP/1.1\r\n"
HOST = b"Host: broker.test\r\n"
LENGTH = b"Content-Length: 13\r\n"
JSON = b"Content-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
END = b"\r\n"
CHUNKS = b"5\r\n" + BODY[:5] + b"\r\n8\r\n" + BODY[5:] + b"\r\n0\r\n\r\n"


def with_length(*extra: bytes, line: bytes = LINE, host: bytes = HOST, length: bytes = LENGTH, body: bytes = BODY) -> bytes:
    """A request with a Content-Length body and extra field lines (each with its line end)."""
    return line + host + length + b"".join(extra) + END + body


def chunked(body: bytes = CHUNKS, coding: bytes = CHUNKED, *extra: bytes) -> bytes:
    """A request with a chunked body, given as it goes over the wire."""
    return LINE + HOST + coding + b"".join(extra) + END + body


def fields(count: int) -> bytes:
    """A request with exactly `count` fields."""
    return with_length(b"".join(b"X-%d: v\r\n" % i for i in range(count - 2)))


WELL_FORMED = [
    ("plain", with_length(JSON), "relay", [], "an ordinary request"),
    ("names-in-mixed-case", with_length(length=b"cOnTeNt-lEnGtH: 13\r\n"), "relay", [], "field names have no case"),
    ("all-token-characters", with_length(b"!#$%&'*+-.^_`|~09azAZ: v\r\n"), "relay", [], "every tchar of RFC 9110 in a name"),
    ("empty-value", with_length(b"X-Empty:\r\n", b"X-Blank:  \t \r\n"), "relay", [], "values may be empty"),
    ("whitespace-round-value", with_length(b"X-Pad: \t a b\tc \t\r\n"), "relay", [], "OWS is not part of the value"),
    ("no-space-after-colon", with_length(b"X-Tight:v\r\n"), "relay", [], "OWS is optional"),
    ("value-with-colons", with_length(b"X-Url: http://a:1/?b:c\r\n"), "relay", [], "the first colon ends the name"),
    ("obs-text-in-value", with_length(b"X-Latin: caf\xe9 \xff\r\n"), "relay", [], "obs-text passes unchanged"),
    ("repeated-fields", with_length(b"X-A: 1\r\n", b"X-B: 2\r\n", b"X-A: 3\r\n"), "relay", [], "order of lines is kept"),
    ("target-with-query", with_length(line=b"POST /v1/chat/completions?a=%20b&c=/../ HTTP/1.1\r\n"), "relay", [], "query is opaque"),
    ("length-with-leading-zeros", with_length(length=b"Content-Length: 0000013\r\n"), "any", [400], "1*DIGIT, decimal"),
    ("length-with-trailing-space", with_length(length=b"Content-Length: 13 \t\r\n"), "relay", [], "OWS after the value"),
    ("http-1.0", with_length(line=b"POST /v1/chat/completions HTTP/1.0\r\n"), "relay", [], "an old client"),
    ("chunked", chunked(), "relay", [], "an ordinary chunked request"),
    ("chunked-coding-in-capitals", chunked(coding=b"Transfer-Encoding: CHUNKED\r\n"), "relay", [], "codings have no case"),
    ("chunk-size-in-capitals", chunked(b"D\r\n" + BODY + b"\r\n0\r\n\r\n"), "relay", [], "HEXDIG has no case"),
    ("chunk-size-with-leading-zeros", chunked(b"0000000d\r\n" + BODY + b"\r\n000\r\n\r\n"), "relay", [], "1*HEXDIG"),
    ("chunk-extension", chunked(b'd;a=b;c="d e"\r\n' + BODY + b"\r\n0;last\r\n\r\n"), "relay", [], "unknown extensions are ignored"),
    ("chunk-trailers", chunked(b"d\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"), "relay", [], "trailers end the body"),
    ("one-byte-chunks", chunked(b"".join(b"1\r\n%c\r\n" % c for c in BODY) + b"0\r\n\r\n"), "relay", [], "thirteen chunks"),
    ("connection-close", with_length(b"Connection: close\r\n"), "relay", [], "the last request of a connection"),
    ("leading-empty-line", b"\r\n" + with_length(), "any", [400], "RFC 9112 2.2: one empty line may be skipped"),
    ("a-hundred-fields", fields(100), "relay", [], "as many fields as are allowed"),
    ("a-long-field", with_length(b"X-Long: " + b"a" * 30000 + b"\r\n"), "relay", [], "the head is under 32 KiB"),
    ("expect-continue", with_length(b"Expect: 100-continue\r\n"), "relay", [], "curl sends this for large bodies"),
]

CONNECTION_TRICKS = [
    ("connection-names-content-length", with_length(b"Connection: content-length\r\n"), "any", [400],
     "framing must not be dropped as hop-by-hop"),
    ("connection-names-transfer-encoding", chunked(CHUNKS, CHUNKED, b"Connection: transfer-encoding\r\n"), "any", [400],
     "framing must not be dropped as hop-by-hop"),
    ("connection-names-host", with_length(b"Connection: host\r\n"), "any", [400], "Host stays"),
    ("connection-names-authorization", with_length(b"Connection: x-private\r\nX-Private: 1\r\n"), "any", [400], "hop-by-hop field"),
    ("absolute-form", with_length(line=b"POST http://broker.test/v1/chat/completions HTTP/1.1\r\n"), "any", [400, 404],
     "RFC 9112 3.2.2"),
    ("target-with-fragment", with_length(line=b"POST /v1/chat/completions#x HTTP/1.1\r\n"), "any", [400, 404], "no fragment in a target"),
    ("two-leading-empty-lines", b"\r\n\r\n" + with_length(), "any", [400], "only one may be skipped"),
    ("host-empty", with_length(host=b"Host:\r\n"), "any", [400], "allowed by the grammar"),
    ("host-with-space", with_length(host=b"Host: a b\r\n"), "any", [400], "not a host"),
    ("version-1.0-chunked", b"POST /v1/chat/completions HTTP/1.0\r\n" + HOST + CHUNKED + END + CHUNKS, "any", [400],
     "RFC 9112 6.1: faulty framing"),
    ("chunk-size-with-trailing-space", chunked(b"d  \r\n" + BODY + b"\r\n0\r\n\r\n"), "any", [400], "BWS, tolerated by some"),
]

LENGTH_FAULTS = [
    ("length-and-chunked", LINE + HOST + LENGTH + CHUNKED + END + CHUNKS, "refuse", [400], "CL.TE smuggling"),
    ("chunked-and-length", LINE + HOST + CHUNKED + LENGTH + END + CHUNKS, "refuse", [400], "TE.CL smuggling"),
    ("zero-length-and-chunked", LINE + HOST + b"Content-Length: 0\r\n" + CHUNKED + END + CHUNKS, "refuse", [400], "CL.0 smuggling"),
    ("two-lengths-differ", with_length(b"Content-Length: 5\r\n"), "refuse", [400], "which one counts?"),
    ("two-lengths-agree", with_length(LENGTH), "refuse", [400], "repeated lengths are refused"),
    ("length-list", with_length(length=b"Content-Length: 13, 13\r\n"), "refuse", [400], "repeated in one line"),
    ("length-plus", with_length(length=b"Content-Length: +13\r\n"), "refuse", [400], "signed"),
    ("length-minus", with_length(length=b"Content-Length: -13\r\n"), "refuse", [400], "signed"),
    ("length-hex", with_length(length=b"Content-Length: 0xd\r\n"), "refuse", [400], "not decimal"),
    ("length-split", with_length(length=b"Content-Length: 1 3\r\n"), "refuse", [400], "a space inside"),
    ("length-empty", with_length(length=b"Content-Length: \r\n"), "refuse", [400], "no digits"),
    ("length-exponent", with_length(length=b"Content-Length: 1e1\r\n"), "refuse", [400], "not an integer"),
    ("length-underscore", with_length(length=b"Content-Length: 1_3\r\n"), "refuse", [400], "Python's int would take it"),
    ("length-wide-digits", with_length(length="Content-Length: １３\r\n".encode()), "refuse", [400], "digits, but not ASCII ones"),
    ("length-wraps-64-bits", with_length(length=b"Content-Length: 18446744073709551629\r\n"), "refuse", [400, 413], "2^64 + 13"),
    ("length-sign-bit", with_length(length=b"Content-Length: 9223372036854775821\r\n"), "refuse", [400, 413], "2^63 + 13"),
    ("length-over-cap", with_length(length=b"Content-Length: 33554433\r\n"), "refuse", [413], "32 MiB and one byte"),
    ("length-name-with-space", with_length(length=b"Content-Length : 13\r\n"), "refuse", [400], "space before the colon"),
]

CODING_FAULTS = [
    ("coding-gzip-chunked", chunked(coding=b"Transfer-Encoding: gzip, chunked\r\n"), "refuse", [400, 501], "unknown coding"),
    ("coding-chunked-gzip", chunked(coding=b"Transfer-Encoding: chunked, gzip\r\n"), "refuse", [400, 501], "chunked is not last"),
    ("coding-chunked-twice", chunked(coding=b"Transfer-Encoding: chunked, chunked\r\n"), "refuse", [400, 501], "chunked twice"),
    ("coding-two-lines", chunked(coding=CHUNKED + CHUNKED), "refuse", [400, 501], "chunked in two lines"),
    ("coding-two-lines-differ", chunked(coding=CHUNKED + b"Transfer-Encoding: x\r\n"), "refuse", [400, 501], "TE.TE smuggling"),
    ("coding-identity", chunked(coding=b"Transfer-Encoding: identity\r\n"), "refuse", [400, 501], "removed from HTTP"),
    ("coding-prefixed", chunked(coding=b"Transfer-Encoding: xchunked\r\n"), "refuse", [400, 501], "only looks like it"),
    ("coding-with-parameter", chunked(coding=b"Transfer-Encoding: chunked;q=1\r\n"), "refuse", [400, 501], "no such parameter"),
    ("coding-quoted", chunked(coding=b'Transfer-Encoding: "chunked"\r\n'), "refuse", [400, 501], "not a token"),
    ("coding-vertical-tab", chunked(coding=b"Transfer-Encoding: \x0bchunked\r\n"), "refuse", [400, 501], "some trim it away"),
    ("coding-empty", chunked(coding=b"Transfer-Encoding: \r\n"), "refuse", [400, 501], "names nothing"),
    ("coding-name-with-space", LINE + HOST + LENGTH + b"Transfer-Encoding : chunked\r\n" + END + BODY, "refuse", [400],
     "space before the colon hides it from some"),
    ("coding-name-with-tab", LINE + HOST + LENGTH + b"Transfer-Encoding\t: chunked\r\n" + END + BODY, "refuse", [400], "as above"),
    ("coding-name-with-nul", LINE + HOST + LENGTH + b"Transfer-Encoding\x00: chunked\r\n" + END + BODY, "refuse", [400], "as above"),
    ("coding-folded", chunked(coding=b"Transfer-Encoding:\r\n chunked\r\n"), "refuse", [400], "obs-fold"),
]

CHUNK_FAULTS = [
    ("chunk-size-not-hex", chunked(b"xyz\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "not a number"),
    ("chunk-size-minus", chunked(b"-d\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "signed"),
    ("chunk-size-plus", chunked(b"+d\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "signed"),
    ("chunk-size-0x", chunked(b"0xd\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "strtol would take it"),
    ("chunk-size-underscore", chunked(b"0_d\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "Python's int would take it"),
    ("chunk-size-leading-space", chunked(b" d\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "not in the grammar"),
    ("chunk-size-empty", chunked(b"\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "no digits"),
    ("chunk-size-wraps-64-bits", chunked(b"1000000000000000d\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400, 413], "2^64 + 13"),
    ("chunk-size-huge", chunked(b"f" * 40 + b"\r\n" + BODY), "refuse", [400, 413], "160 bits"),
    ("chunk-size-over-cap", chunked(b"2000001\r\n" + BODY), "refuse", [413], "32 MiB and one byte"),
    ("chunk-line-feed-only", chunked(b"d\n" + BODY + b"\n0\n\n"), "refuse", [400], "bare LF"),
    ("chunk-data-without-end", chunked(b"d\r\n" + BODY + b"XX0\r\n\r\n"), "refuse", [400], "two other bytes in place of CRLF"),
    ("chunk-data-longer-than-size", chunked(b"5\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "no CRLF after five bytes"),
    ("chunk-extension-bare-lf", chunked(b"d;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "a line end for some"),
    ("chunk-extension-bare-cr", chunked(b"d;a\rb\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400], "a line end for some"),
    ("chunk-extension-endless", chunked(b"d;" + b"a" * 70000 + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), "refuse", [400, 413, 431],
     "extensions are bounded"),
    ("trailer-without-colon", chunked(b"d\r\n" + BODY + b"\r\n0\r\nnonsense\r\n\r\n"), "refuse", [400], "not a field"),
    ("trailer-with-control", chunked(b"d\r\n" + BODY + b"\r\n0\r\nX: \x01\r\n\r\n"), "refuse", [400], "a control character"),
]

SYNTAX_FAULTS = [
    ("line-feed-only", with_length(JSON).replace(b"\r\n", b"\n"), "refuse", [400], "bare LF ends a line for some"),
    ("one-bare-line-feed", with_length(b"X-A: 1\nX-B: 2\r\n"), "refuse", [400], "hides a field from some"),
    ("bare-carriage-return", with_length(b"X-A: 1\rX-B: 2\r\n"), "refuse", [400], "hides a field from some"),
    ("two-carriage-returns", with_length(b"X-A: 1\r\r\n"), "refuse", [400], "CR in a value"),
    ("head-ends-in-line-feeds", LINE + HOST + b"Content-Length: 13\n\n" + BODY, "refuse", [400], "as above"),
    ("folded-value", with_length(b"X-A: 1\r\n 2\r\n"), "refuse", [400], "obs-fold"),
    ("folded-with-tab", with_length(b"X-A: 1\r\n\t2\r\n"), "refuse", [400], "obs-fold"),
    ("fold-before-first-field", LINE + b" X-A: 1\r\n" + HOST + LENGTH + END + BODY, "refuse", [400], "nothing to continue"),
    ("nul-in-value", with_length(b"X-A: a\x00b\r\n"), "refuse", [400], "ends a C string"),
    ("nul-in-name", with_length(b"X\x00A: b\r\n"), "refuse", [400], "not a token"),
    ("control-in-value", with_length(b"X-A: a\x01b\r\n"), "refuse", [400], "control character"),
    ("escape-in-value", with_length(b"X-A: \x1b[31m\r\n"), "refuse", [400], "control character"),
    ("delete-in-value", with_length(b"X-A: a\x7f\r\n"), "refuse", [400], "control character"),
    ("line-without-colon", with_length(b"nonsense\r\n"), "refuse", [400], "not a field"),
    ("empty-name", with_length(b": v\r\n"), "refuse", [400], "not a token"),
    ("name-with-space", with_length(b"X A: v\r\n"), "refuse", [400], "not a token"),
    ("name-with-parenthesis", with_length(b"X(A): v\r\n"), "refuse", [400], "not a token"),
    ("name-in-utf8", with_length("Ä: v\r\n".encode()), "refuse", [400], "not a token"),
    ("no-host", with_length(host=b""), "refuse", [400], "HTTP/1.1 needs it"),
    ("two-hosts", with_length(b"Host: other.test\r\n"), "refuse", [400], "which one counts?"),
    ("too-many-fields", fields(101), "refuse", [431], "one more than allowed"),
    ("thousands-of-fields", with_length(b"a:\r\n" * 6000), "refuse", [431], "many more than allowed"),
    ("head-too-long", with_length(b"X-Long: " + b"a" * 40000 + b"\r\n"), "refuse", [431], "over 32 KiB"),
    ("name-too-long", with_length(b"a" * 40000 + b": v\r\n"), "refuse", [431], "over 32 KiB"),
    ("target-too-long", with_length(line=b"POST /" + b"a" * 40000 + b" HTTP/1.1\r\n"), "refuse", [414, 431], "over 32 KiB"),
]

REQUEST_LINE_FAULTS = [
    ("no-version", with_length(line=b"POST /v1/chat/completions\r\n"), "refuse", [400, 505], "HTTP/0.9"),
    ("version-2.0", with_length(line=b"POST /v1/chat/completions HTTP/2.0\r\n"), "refuse", [400, 505], "not in this form"),
    ("version-1.2", with_length(line=b"POST /v1/chat/completions HTTP/1.2\r\n"), "any", [400, 505], "a minor version to come"),
    ("version-in-lower-case", with_length(line=b"POST /v1/chat/completions http/1.1\r\n"), "refuse", [400, 505], "has case"),
    ("version-two-digits", with_length(line=b"POST /v1/chat/completions HTTP/1.10\r\n"), "refuse", [400, 505], "one digit"),
    ("version-without-dot", with_length(line=b"POST /v1/chat/completions HTTP/11\r\n"), "refuse", [400, 505], "no dot"),
    ("two-spaces", with_length(line=b"POST  /v1/chat/completions HTTP/1.1\r\n"), "refuse", [400], "one space each"),
    ("tab-for-space", with_length(line=b"POST\t/v1/chat/completions\tHTTP/1.1\r\n"), "refuse", [400], "one space each"),
    ("space-after-version", with_length(line=b"POST /v1/chat/completions HTTP/1.1 \r\n"), "refuse", [400], "one space each"),
    ("space-before-method", with_length(line=b" POST /v1/chat/completions HTTP/1.1\r\n"), "refuse", [400], "not a token"),
    ("space-in-target", with_length(line=b"POST /v1/chat/ completions HTTP/1.1\r\n"), "refuse", [400], "four words"),
    ("control-in-target", with_length(line=b"POST /v1/chat\x01/completions HTTP/1.1\r\n"), "refuse", [400], "not a VCHAR"),
    ("nul-in-target", with_length(line=b"POST /v1/chat/completions\x00 HTTP/1.1\r\n"), "refuse", [400], "ends a C string"),
    ("utf8-in-target", with_length(line="POST /v1/chat/cömpletions HTTP/1.1\r\n".encode()), "refuse", [400, 404], "not a VCHAR"),
    ("method-with-parenthesis", with_length(line=b"PO(ST /v1/chat/completions HTTP/1.1\r\n"), "refuse", [400], "not a token"),
    ("method-in-lower-case", with_length(line=b"post /v1/chat/completions HTTP/1.1\r\n"), "refuse", [400, 405], "another method"),
    ("method-empty", with_length(line=b" /v1/chat/completions HTTP/1.1\r\n"), "refuse", [400], "no method"),
    ("asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + END, "refuse", [400, 404, 405, 501], "nothing for an endpoint"),
    ("connect-method", b"CONNECT other.test:80 HTTP/1.1\r\n" + HOST + END, "refuse", [400, 404, 405, 501], "no tunnels here"),
    ("http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "refuse", [], "HTTP/2 with prior knowledge"),
    ("tls-client-hello", bytes.fromhex("16030100300100002c0303") + bytes(32) + bytes.fromhex("000002130101000001"), "refuse", [],
     "TLS on a plain port"),
    ("binary-noise", bytes(range(128, 256)) * 4, "refuse", [], "no protocol at all"),
    ("nothing-but-line-ends", b"\r\n" * 40, "refuse", [], "no request line in sight"),
]

TRUNCATED = [
    ("truncated-request-line", LINE[:20], "refuse", [], "then end of stream"),
    ("truncated-head", (LINE + HOST + LENGTH)[:-1], "refuse", [], "then end of stream"),
    ("truncated-before-last-line-feed", (LINE + HOST + LENGTH + END)[:-1], "refuse", [], "then end of stream"),
    ("truncated-body", with_length(length=b"Content-Length: 100\r\n"), "refuse", [], "thirteen of a hundred bytes"),
    ("truncated-chunk-size", chunked(b"d"), "refuse", [], "then end of stream"),
    ("truncated-chunk", chunked(b"ff\r\n" + BODY), "refuse", [], "then end of stream"),
    ("truncated-before-last-chunk", chunked(b"d\r\n" + BODY + b"\r\n"), "refuse", [], "the body has no end"),
    ("truncated-in-trailers", chunked(b"d\r\n" + BODY + b"\r\n0\r\nX-Sum: 1\r\n"), "refuse", [], "the trailers have no end"),
]

HEADS = (
    WELL_FORMED + CONNECTION_TRICKS + LENGTH_FAULTS + CODING_FAULTS + CHUNK_FAULTS + SYNTAX_FAULTS + REQUEST_LINE_FAULTS + TRUNCATED
)
