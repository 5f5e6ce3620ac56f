# FastAPI on uvicorn with the same check: shape and CRC-32, HMAC-SHA-256 under the pepper, a look-up by digest, a comparison in
# constant time.
import hmac
import os
import re
import zlib

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SHAPE = re.compile(r"ad[ka]_[0-9A-Za-z]{28}")
PEPPER = bytes.fromhex(open(os.environ["PEPPER_FILE"]).read())


def digest(key: str) -> bytes:
    return hmac.digest(PEPPER, key.encode(), "sha256")


def checksum(text: str) -> str:
    rest, digits = zlib.crc32(text.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = DIGITS[digit] + digits
    return digits


KNOWN = {digest(key): (digest(key), "svc:bench") for key in open(os.environ["KEYS_FILE"]).read().split()}
app = FastAPI()


@app.get("/")
async def own(request: Request):
    bearer = request.headers.get("authorization", "")
    key = bearer[7:] if bearer.startswith("Bearer ") else request.headers.get("x-api-key", "")
    if SHAPE.fullmatch(key) and checksum(key[:26]) == key[26:]:
        presented = digest(key)
        stored, principal = KNOWN.get(presented, (b"", None))
        if hmac.compare_digest(stored, presented):
            return {"principal": principal}
    return JSONResponse({"status": 401, "code": "invalid_key"}, 401, media_type="application/problem+json")


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
