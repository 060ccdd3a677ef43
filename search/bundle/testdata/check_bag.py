#!/usr/bin/env python3
"""check_bag.py FOLDER: is it a complete and valid bag (RFC 8493)?

Written from the RFC alone, for the tests: no BagIt validator is packaged in Debian. Each
check names its section. It shares nothing with the program that wrote the bag.
"""
import hashlib
import os
import re
import sys
import unicodedata
from urllib.parse import unquote

root = sys.argv[1]
bad = []


def no(section, text, *args):
    bad.append("section %s: %s" % (section, text % args))


def octets(name):
    with open(os.path.join(root, name), "rb") as f:
        return f.read()


# 2.1.1: two lines, UTF-8, no byte order mark.
declaration = octets("bagit.txt")
if declaration.startswith(b"\xef\xbb\xbf"):
    no("2.1.1", "bagit.txt has a byte order mark")
m = re.fullmatch(rb"BagIt-Version: (\d+\.\d+)\r?\n?Tag-File-Character-Encoding: (\S+)\r?\n?", declaration.replace(b"\r\n", b"\n"))
if not m:
    no("2.1.1", "bagit.txt is not the declaration")
elif m.group(1) != b"1.0" or m.group(2) != b"UTF-8":
    no("2.1.1", "bagit.txt names %r", m.groups())

# 2.1.2: the payload directory.
if not os.path.isdir(os.path.join(root, "data")):
    no("2.1.2", "there is no data directory")

files = {}
for folder, dirs, names in os.walk(root):
    for n in names:
        path = os.path.join(folder, n)
        name = os.path.relpath(path, root).replace(os.sep, "/")
        if os.path.islink(path):
            no("5.1", "%s is a link", name)
        files[name] = path
payload = {n for n in files if n.startswith("data/")}

manifests = {n: re.fullmatch(r"(tag)?manifest-([a-z0-9]+)\.txt", n) for n in files}
manifests = {n: m for n, m in manifests.items() if m}
# 2.1.3: one payload manifest or more.
if not any(not m.group(1) for m in manifests.values()):
    no("2.1.3", "there is no payload manifest")

listed = {}
for name, m in sorted(manifests.items()):
    # 2.4: the algorithm's name in lower case without separators.
    algorithm = {"md5": "md5", "sha1": "sha1", "sha256": "sha256", "sha512": "sha512"}.get(m.group(2))
    if not algorithm:
        no("2.4", "%s: no such algorithm", name)
        continue
    seen = listed.setdefault(name, {})
    for number, line in enumerate(octets(name).decode("utf-8").split("\n"), 1):
        if line == "":
            continue
        # 2.1.3: hexadecimal, white space, a path relative to the base directory.
        row = re.fullmatch(r"([0-9A-Fa-f]+)[ \t]+\*?(.+?)\r?", line)
        if not row:
            no("2.1.3", "%s, line %d is no entry", name, number)
            continue
        want, path = row.group(1).lower(), row.group(2)
        # 2.1.3: CR, LF and % are the only characters that are encoded.
        if re.search(r"%(?!0[AaDd]|25)", path):
            no("2.1.3", "%s, line %d: %r is encoded otherwise", name, number, path)
        path = unquote(path)
        # 5.1.1: never out of the bag.
        if path.startswith(("/", "~", "./")) or ".." in path.split("/") or "\\" in path:
            no("5.1", "%s, line %d leads out of the bag: %r", name, number, path)
            continue
        if bool(m.group(1)) == path.startswith("data/"):
            no("2.2.1" if m.group(1) else "2.1.3", "%s lists %s", name, path)
        if path in seen:
            no("2.1.3", "%s lists %s twice", name, path)
        seen[path] = want
        if path not in files:
            no("3", "%s, listed in %s, is not there", path, name)
            continue
        h = hashlib.new(algorithm)
        with open(files[path], "rb") as f:
            for block in iter(lambda: f.read(1 << 20), b""):
                h.update(block)
        if h.hexdigest() != want:
            no("3", "%s is not what %s says", path, name)

# 2.1.3 and 3: every payload file is in every payload manifest.
for name, m in manifests.items():
    if not m.group(1):
        for p in sorted(payload - set(listed.get(name, {}))):
            no("3", "%s is not listed in %s", p, name)
    else:
        # 2.2.1: a tag manifest lists no tag manifest, and all payload manifests.
        for other, o in manifests.items():
            if o.group(1) and other in listed.get(name, {}):
                no("2.2.1", "%s lists %s", name, other)
            if not o.group(1) and other not in listed.get(name, {}):
                no("2.2.1", "%s does not list %s", name, other)

# 2.2.2: labels and values; 2.2.2 says what Payload-Oxum counts.
info = {}
last = None
for number, line in enumerate(octets("bag-info.txt").decode("utf-8").split("\n"), 1):
    if line == "":
        continue
    if line[0] in " \t":
        if last is None:
            no("2.2.2", "bag-info.txt, line %d continues nothing", number)
        continue
    m = re.fullmatch(r"([^:\s][^:]*?)[ \t]*:[ \t]+(.*?)\r?", line)
    if not m or not m.group(2):
        no("2.2.2", "bag-info.txt, line %d is no label and value", number)
        continue
    last = m.group(1)
    info.setdefault(last, []).append(m.group(2))
for label in ("Payload-Oxum", "Bagging-Date", "External-Identifier"):
    if len(info.get(label, [])) != 1:
        no("2.2.2", "bag-info.txt has %d fields %s", len(info.get(label, [])), label)
size = sum(os.path.getsize(files[p]) for p in payload)
if info.get("Payload-Oxum") != ["%d.%d" % (size, len(payload))]:
    no("2.2.2", "Payload-Oxum is %s, the payload has %d.%d", info.get("Payload-Oxum"), size, len(payload))
if not re.fullmatch(r"\d{4}-\d\d-\d\d", info.get("Bagging-Date", [""])[0]):
    no("2.2.2", "Bagging-Date is no date")
# Mailbag 1.0: required fields, as far as they are no BagIt.
for label, want in (("Bag-Type", "Mailbag"), ("Mailbag-Source", "imap"), ("Mailbag-Specification-Version", "1.0"), ("Original-Included", "False")):
    if info.get(label) != [want]:
        no("Mailbag 3", "%s is %s, want %s", label, info.get(label), want)

# 2.2.3: what fetch.txt lists is not there yet; we have none.
if "fetch.txt" in files:
    no("2.2.3", "there is a fetch.txt")

# 5.2: names that differ only in case or in normalization meet on other systems.
folded = {}
for p in files:
    key = unicodedata.normalize("NFC", p).casefold()
    if key in folded:
        no("5.2", "%s and %s are one name elsewhere", p, folded[key])
    folded[key] = p
    if re.search(r'[<>:"|?*\x00-\x1f]', p) or any(re.fullmatch(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?", s) or s.endswith((".", " ")) for s in p.split("/")):
        no("5.2", "%s is no name on Windows", p)

for b in bad:
    print("BAD ", b)
if bad:
    sys.exit(1)
print("OK   %d files, %d of them payload" % (len(files), len(payload)))
