"""Hears which sessions end. Reads {"jwks_uri", "stream", "id", "secret", "issuer", "audience"} from stdin, then an access token a line.
Prints "heard" when the snapshot is there, and for each token "good", "over" or "ask" (by POST introspect)."""

import base64, json, secrets, sys, threading, time, urllib.parse, urllib.request

import jwt

asked = json.loads(sys.stdin.readline())
keys = jwt.PyJWKClient(asked["jwks_uri"], lifespan=asked.get("keys_for", 300))
speaking = threading.Lock()
known = {"ends": {}, "complete_from": 0, "heard_at": float("-inf")}


def say(line):
    """`print` writes a line and its end apart: those of two threads would come mixed."""
    with speaking:
        print(line, flush=True)


def decode(token, audience, typ):
    key = keys.get_signing_key_from_jwt(token)
    if jwt.get_unverified_header(token)["typ"] != typ:
        raise jwt.InvalidTokenError("typ")
    checks = {"issuer": asked["issuer"], "audience": audience, "leeway": 60}  # Clocks differ.
    return jwt.decode(token, key.key, algorithms=["RS256", "ES256", "EdDSA"], **checks)


def take(frame, at):
    """Raises unless the frame is the next one. `at` is where this connection stands."""
    if "nonce" in frame:
        at.setdefault("stream", frame["stream_id"]), at.setdefault("seq", frame["seq"]), at.setdefault("now", frame["now"])
        if at.get("left", 1) == 0 or frame["nonce"] != at["nonce"] or frame.get("left") != at.get("left", frame["left"] + 1) - 1:
            raise ValueError("snapshot")
        at["left"] = frame["left"]
    elif at.get("left") != 0 or frame["seq"] != at["seq"] + 1:
        raise ValueError("gap")
    if frame["stream_id"] != at["stream"] or frame["now"] < at["now"]:
        raise ValueError("stream")
    at["seq"] = frame["seq"]
    ends = {json.dumps(end): end for end in frame["ends"]}
    known["ends"] = {name: end for name, end in {**known["ends"], **ends}.items() if end["before"] > frame["complete_from"]}
    if at["left"] == 0:
        known.update(complete_from=frame["complete_from"], heard_at=at["asked"] + (frame["heard"] - at["now"]) / 1000)


def follow():
    credentials = ":".join(urllib.parse.quote_plus(asked[name]) for name in ("id", "secret"))
    basic = base64.b64encode(credentials.encode()).decode()
    while True:
        at = {"nonce": secrets.token_urlsafe(24), "asked": time.monotonic()}
        request = urllib.request.Request(f"{asked['stream']}?nonce={at['nonce']}", headers={"Authorization": f"Basic {basic}"})
        try:
            with urllib.request.urlopen(request, timeout=3) as events:
                for line in events:
                    if line.startswith(b"data: "):
                        was_heard = at.get("left") == 0
                        take(decode(line[6:].decode().strip(), "urn:jwt-knox:revocations", "revocations+jwt"), at)
                        if at["left"] == 0 and not was_heard:
                            say("heard")
        except OSError:
            pass  # What is known counts on until it is two seconds old.
        except (jwt.PyJWTError, ValueError, KeyError):
            known["heard_at"] = float("-inf")
        time.sleep(0.2)


def judge(token):
    claims = decode(token, asked["audience"], "at+jwt")
    verdict = "good"
    for end in list(known["ends"].values()):
        named = ("sid" in end and end["sid"] == claims["sid"]) or ("user_id" in end and end["user_id"] == claims["sub"])
        if not (named or ("sid" not in end and "user_id" not in end)) or end.get("except") == claims["sid"]:
            continue
        if ("from" not in end or claims["iat"] < end["from"]) and ("kinds" not in end or "auth_time" in claims or "act" in claims):
            return "over"
        if claims["iat"] < end["before"]:
            verdict = "ask"
    stale = time.monotonic() - known["heard_at"] >= 2 or claims["iat"] < known["complete_from"] or "act" in claims
    return "ask" if stale else verdict


threading.Thread(target=follow, daemon=True).start()
for line in sys.stdin:
    say(judge(line.strip()))
