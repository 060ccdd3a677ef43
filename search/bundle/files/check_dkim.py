#!/usr/bin/env python3
"""check_dkim.py FILE.eml...: do the senders' signatures hold with the keys in the bundle?

Needs Python 3 and dkimpy (Debian: python3-dkim). It asks no name server: the keys are
those in seal/dns-keys.jsonl, as they were published when the messages were collected.
A signature that has ended since says so; look at it under the date of collection
(faketime). Run it in the bundle's folder.
"""
import json
import sys

import dkim

keys = {}
with open("seal/dns-keys.jsonl", encoding="utf-8") as f:
    for line in f:
        entry = json.loads(line)
        for record in entry["records"]:
            keys.setdefault(entry["name"].rstrip(".").lower(), record.encode())


def key(name, timeout=5):
    return keys.get(name.decode().rstrip(".").lower())


for name in sys.argv[1:]:
    message = dkim.DKIM(open(name, "rb").read())
    count = sum(1 for h, _ in message.headers if h.lower() == b"dkim-signature")
    if not count:
        print("none %s: it carries no signature" % name)
    for i in range(count):
        try:
            good = message.verify(idx=i, dnsfunc=key)
            why = "it does not hold, or its key is not in the bundle"
        except dkim.DKIMException as e:
            good, why = False, str(e)
        domain = message.domain.decode() if message.domain else "?"
        print("%s %s: signature of %s%s" % ("OK  " if good else "BAD ", name, domain, "" if good else ", " + why))
