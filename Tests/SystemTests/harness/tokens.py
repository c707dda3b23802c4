"""JSON web tokens made with the openssl program alone: nothing that the broker uses checks itself here."""

import base64
import hmac
import json
import pathlib
import re
import time

from .processes import run

KINDS = {
    "RS256": ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    "ES256": ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "EdDSA": ["genpkey", "-algorithm", "ED25519"],
}


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """A private key, and the public one in the forms in which issuers publish it."""

    def __init__(self, directory: pathlib.Path, algorithm: str, kid: str | None = None, secret: bytes | None = None):
        self.algorithm, self.kid, self.secret = algorithm, kid, secret
        if algorithm == "HS256":
            return
        directory.mkdir(parents=True, exist_ok=True)
        name = f"{algorithm}-{kid}"
        self.private, self.public = directory / f"{name}.key", directory / f"{name}.pub"
        run(["openssl", *KINDS[algorithm], "-out", self.private])
        run(["openssl", "pkey", "-in", self.private, "-pubout", "-out", self.public])
        self.public.chmod(0o644)

    @property
    def jwk(self) -> dict:
        """The public key, as a member of a JSON web key set."""
        der = base64.b64decode("".join(self.public.read_text().splitlines()[1:-1]))
        if self.algorithm == "RS256":
            text = run(["openssl", "rsa", "-pubin", "-in", self.public, "-noout", "-modulus"]).stdout
            modulus = bytes.fromhex(re.search(r"Modulus=([0-9A-F]+)", text)[1])
            key = {"kty": "RSA", "n": base64url(modulus), "e": "AQAB"}
        elif self.algorithm == "ES256":
            key = {"kty": "EC", "crv": "P-256", "x": base64url(der[-64:-32]), "y": base64url(der[-32:])}
        else:
            key = {"kty": "OKP", "crv": "Ed25519", "x": base64url(der[-32:])}
        return key | {"alg": self.algorithm, "use": "sig"} | ({"kid": self.kid} if self.kid else {})

    def signature(self, text: bytes) -> bytes:
        if self.algorithm == "HS256":
            return hmac.digest(self.secret, text, "sha256")
        source, target = self.private.with_suffix(".in"), self.private.with_suffix(".sig")
        source.write_bytes(text)
        if self.algorithm == "EdDSA":
            run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.private, "-in", source, "-out", target])
            return target.read_bytes()
        run(["openssl", "dgst", "-sha256", "-sign", self.private, "-out", target, source])
        return _plain(target.read_bytes()) if self.algorithm == "ES256" else target.read_bytes()

    def token(self, header: dict | None = None, **claims) -> str:
        """Signed as it should be; `header` replaces members of the header, None takes one away."""
        head = {"alg": self.algorithm, "typ": "JWT", "kid": self.kid} | (header or {})
        text = unsigned({name: value for name, value in head.items() if value is not None}, claims)
        return f"{text}.{base64url(self.signature(text.encode()))}"


def _plain(der: bytes) -> bytes:
    """The two numbers of an ECDSA signature, 32 bytes each, out of their DER form."""
    numbers, position = [], 2
    for _ in range(2):
        length = der[position + 1]
        numbers.append(int.from_bytes(der[position + 2:position + 2 + length], "big").to_bytes(32, "big"))
        position += 2 + length
    return b"".join(numbers)


def unsigned(header: dict, claims: dict) -> str:
    return ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))


def lifetime(seconds: float = 3600) -> dict:
    """`iat` and `exp` of a token in force for so long from now."""
    now = int(time.time())
    return {"iat": now, "exp": now + int(seconds)}


def key_set(*signers: Signer) -> str:
    return json.dumps({"keys": [signer.jwk for signer in signers]})
