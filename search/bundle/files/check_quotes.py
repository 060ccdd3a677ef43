#!/usr/bin/env python3
"""check_quotes.py [FOLDER]: is every quote of the chronology in its message, word for word?

Needs nothing but Python 3. Run it in the bundle's folder. Each row of
data/chronology.csv names an exhibit, the first character of the quote and the
one behind its last, counted from 0 in data/text/<exhibit>.txt.
"""
import csv
import os
import sys

root = sys.argv[1] if len(sys.argv) > 1 else "."
bad = n = 0
csv.field_size_limit(1 << 24)
with open(os.path.join(root, "data", "chronology.csv"), encoding="utf-8", newline="") as f:
    for row in csv.DictReader(f):
        quote = row["quote"][1:] if row["quote"].startswith("'") else row["quote"]
        name = os.path.join(root, "data", "text", row["exhibit"] + ".txt")
        with open(name, encoding="utf-8", newline="") as t:
            found = t.read()[int(row["start"]):int(row["end"])]
        n += 1
        if found != quote:
            bad += 1
            print("BAD  row %s: the words are not in %s" % (row["row"], name))
print("%d of %d quotes found word for word" % (n - bad, n))
sys.exit(1 if bad else 0)
