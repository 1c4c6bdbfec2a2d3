"""Reads {"token", "key" | "jwks_uri", "algorithm", "issuer", "audience"} from stdin; prints the claims, or the error's name."""

import json
import sys

import jwt

asked = json.load(sys.stdin)
try:
    key = asked.get("key")
    if key is None:
        key = jwt.PyJWKClient(asked["jwks_uri"]).get_signing_key_from_jwt(asked["token"]).key
    claims = jwt.decode(
        asked["token"],
        key,
        algorithms=[asked["algorithm"]],
        issuer=asked["issuer"],
        audience=asked["audience"],
        options={"require": ["exp", "iat", "sub", "jti"]},
    )
    print(json.dumps({"claims": claims}))
except jwt.PyJWTError as error:
    print(json.dumps({"error": type(error).__name__}))
