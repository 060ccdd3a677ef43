# Asks libnotmuch: a question a line, its count and the time of its newest 20.
import itertools, json, sys, time
import notmuch2

db = notmuch2.Database(sys.argv[1], mode=notmuch2.Database.MODE.READ_ONLY)
for line in sys.stdin:
    q = json.loads(line)
    times = []
    for _ in range(q["times"]):
        start = time.perf_counter()
        found = db.messages(q["query"], sort=notmuch2.Database.SORT.NEWEST_FIRST)
        for m in itertools.islice(found, 20):
            m.messageid
        times.append((time.perf_counter() - start) * 1000)
    times.sort()
    print(json.dumps({"count": db.count_messages(q["query"]), "p50": times[len(times) // 2] if times else 0}), flush=True)
