// The same check as Adjutant's: shape and CRC-32, HMAC-SHA-256 under the pepper, a look-up by digest, a comparison in constant time.
const { createHmac, timingSafeEqual } = require("node:crypto");
const { readFileSync } = require("node:fs");
const { crc32 } = require("node:zlib");

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const SHAPE = /^ad[ka]_[0-9A-Za-z]{28}$/;
const pepper = Buffer.from(readFileSync(process.env.PEPPER_FILE, "utf8").trim(), "hex");
const digest = (key) => createHmac("sha256", pepper).update(key).digest();

// zlib.crc32 came with node 20.15; older ones get a table.
const table = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const sum = crc32 ?? ((text) => {
  let crc = 0xffffffff;
  for (let at = 0; at < text.length; at++) crc = table[(crc ^ text.charCodeAt(at)) & 255] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
});

function checksum(text) {
  let rest = sum(text), digits = "";
  for (let place = 0; place < 6; place++) {
    digits = DIGITS[rest % 62] + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

const known = new Map();
for (const key of readFileSync(process.env.KEYS_FILE, "utf8").trim().split("\n")) {
  const stored = digest(key);
  known.set(stored.toString("latin1"), { digest: stored, principal: "svc:bench" });
}

exports.check = (headers) => {
  const bearer = headers.authorization;
  const key = bearer?.startsWith("Bearer ") ? bearer.slice(7) : headers["x-api-key"];
  if (!key || !SHAPE.test(key) || checksum(key.slice(0, 26)) !== key.slice(26)) return null;
  const presented = digest(key);
  const row = known.get(presented.toString("latin1"));
  return row && timingSafeEqual(row.digest, presented) ? row.principal : null;
};
