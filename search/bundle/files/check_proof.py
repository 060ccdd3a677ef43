#!/usr/bin/env python3
"""check_proof.py PROOF ENTRY: is this entry in the ledger that the checkpoint commits to?

Needs nothing but Python 3. It recomputes the Merkle audit path of RFC 6962,
section 2.1.1, up to the root in the checkpoint. It does not check the
checkpoint's signature: VERIFY.txt has the openssl command for that.
"""
import base64
import hashlib
import sys


def fail(why):
    sys.exit("BAD  %s: %s" % (sys.argv[2], why))


def sha(b):
    return hashlib.sha256(b).digest()


proof = open(sys.argv[1], "rb").read().decode("utf-8")
entry = open(sys.argv[2], "rb").read()
head, _, note = proof.partition("\n\n")
rows = head.split("\n")
if rows[0] != "c2sp.org/tlog-proof@v1" or not note:
    fail("not a C2SP tlog-proof")
rows = [r for r in rows[1:] if not r.startswith("extra ")]
index = int(rows[0].split(" ")[1])
path = [base64.b64decode(r, validate=True) for r in rows[1:]]
origin, size, root = note.split("\n")[:3]
size, root = int(size), base64.b64decode(root, validate=True)

if not 0 <= index < size:
    fail("entry %d of %d" % (index, size))
h, fn, sn = sha(b"\x00" + entry), index, size - 1
for p in path:
    if sn == 0:
        fail("the proof is too long")
    if fn & 1 or fn == sn:
        h = sha(b"\x01" + p + h)
        while fn and not fn & 1:
            fn, sn = fn >> 1, sn >> 1
    else:
        h = sha(b"\x01" + h + p)
    fn, sn = fn >> 1, sn >> 1
if sn or h != root:
    fail("the entry is not the one that was recorded")
print("OK   %s: entry %d of %d in %s" % (sys.argv[2], index, size, origin))
