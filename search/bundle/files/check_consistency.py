#!/usr/bin/env python3
"""check_consistency.py OLD.consistency OLD.checkpoint NEW: did the ledger only grow?

Needs nothing but Python 3. It checks the consistency proof of RFC 6962, section
2.1.2, from the tree of the old checkpoint to the tree of the new one. It does not
check signatures: VERIFY.txt has the openssl command for that.
"""
import base64
import hashlib
import sys


def fail(why):
    sys.exit("BAD  %s: %s" % (sys.argv[1], why))


def node(a, b):
    return hashlib.sha256(b"\x01" + a + b).digest()


def tree(note):
    size, root = note.split("\n")[1:3]
    return int(size), base64.b64decode(root, validate=True)


body = open(sys.argv[1], "rb").read().decode("utf-8")
old_size, old_root = tree(open(sys.argv[2], "rb").read().decode("utf-8"))
new = open(sys.argv[3], "rb").read().decode("utf-8")
new_size, new_root = tree(new)
head, _, note = body.partition("\n\n")
rows = head.split("\n")
if note != new:
    fail("it ends in another checkpoint")
if rows[0] != "old %d" % old_size:
    fail("it begins with another checkpoint")
path = [base64.b64decode(r, validate=True) for r in rows[1:] if r]
if not 0 < old_size <= new_size:
    fail("%d entries after %d" % (new_size, old_size))
if old_size == new_size:
    if path or old_root != new_root:
        fail("two trees of one size")
else:
    fn, sn = old_size - 1, new_size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    if not fn:
        path.insert(0, old_root)
    if not path:
        fail("the proof is too short")
    a = b = path[0]
    for p in path[1:]:
        if sn == 0:
            fail("the proof is too long")
        if fn & 1 or fn == sn:
            a, b = node(p, a), node(p, b)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            b = node(b, p)
        fn, sn = fn >> 1, sn >> 1
    if sn or a != old_root or b != new_root:
        fail("entries were changed or taken away")
print("OK   %s: %d entries grew to %d" % (sys.argv[1], old_size, new_size))
