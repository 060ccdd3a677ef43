package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ProblemKind says what is wrong.
type ProblemKind string

const (
	Altered       ProblemKind = "altered"    // a line is not the one that was recorded
	Missing       ProblemKind = "missing"    // a recorded line is not there
	Added         ProblemKind = "added"      // a line that was not recorded
	Torn          ProblemKind = "torn"       // octets behind the last line
	Hashes        ProblemKind = "hashes"     // the hashes file contradicts lines that are sound
	Unsound       ProblemKind = "unsound"    // the tree does not have the signed root, and nothing says where
	BadCheckpoint ProblemKind = "checkpoint" // the checkpoint or its signature does not hold
)

// Problem is one thing that does not agree. Offset and Length are octets of File;
// a missing line has length 0, at the place where it should be.
type Problem struct {
	Kind   ProblemKind `json:"kind"`
	File   string      `json:"file"`
	Index  int64       `json:"index"` // of the entry; -1 where there is none
	Offset int64       `json:"offset"`
	Length int64       `json:"length"`
	Text   string      `json:"text"`
}

// Stats is what Check went through.
type Stats struct {
	Entries  int64
	Signed   int64 // entries that the checkpoint commits to
	Erased   int   // entries of which only the leaf hash is left
	Problems int
}

// Check recomputes every leaf, the tree and its root, and compares them with the
// hashes file and the signed checkpoint, whose signature it checks. It only reads,
// and works on a ledger that Open refuses. report may be called many times; an
// error means that the check itself could not be done.
func Check(dir string, report func(Problem)) (Stats, error) {
	return check(dir, -1, report)
}

func check(dir string, end int64, report func(Problem)) (Stats, error) {
	c := checker{dir: dir, report: report}
	if err := c.run(end); err != nil {
		return c.stats, fmt.Errorf("checking ledger: %w", err)
	}
	return c.stats, nil
}

type checker struct {
	dir    string
	report func(Problem)
	stats  Stats
	keys   []Key
}

// keptRoot is a signed state that lies beside the ledger.
type keptRoot struct {
	file, why string
	root      tlog.Hash
}

func (c *checker) problem(p Problem) {
	c.stats.Problems++
	c.report(p)
}

func (c *checker) run(end int64) error {
	entries, err := os.Open(entriesPath(c.dir))
	if err != nil {
		return err
	}
	defer entries.Close()
	if end < 0 {
		fi, err := entries.Stat()
		if err != nil {
			return err
		}
		end = fi.Size()
	}
	signed, root, err := c.checkpoint()
	if err != nil {
		return err
	}
	c.stats.Signed = signed
	kept, err := c.keptCheckpoints()
	if err != nil {
		return err
	}

	p, err := c.walk(entries, end, signed, root, kept)
	if err != nil {
		return err
	}
	if !p.same || c.stats.Entries < signed {
		if err := c.diagnose(entries, end, signed, root); err != nil {
			return err
		}
	}
	for _, b := range p.blanks.unsaid() {
		c.problem(b)
	}
	c.stats.Erased = len(p.blanks.found)
	if p.torn != nil {
		c.problem(*p.torn)
	}
	return nil
}

// pass is what one walk through the entries finds.
type pass struct {
	same   bool // lines, hashes file and checkpoint agree
	blanks blanks
	torn   *Problem
}

// walk goes through lines, tree and hashes file side by side, in a few kilobytes. What
// it says of the kept checkpoints is final; the rest is for diagnose to place.
func (c *checker) walk(entries io.ReaderAt, end, signed int64, root tlog.Hash, kept map[int64][]keptRoot) (pass, error) {
	p := pass{same: true, blanks: blanks{said: map[int64]tlog.Hash{}}}
	hashes, err := os.Open(hashesPath(c.dir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p, err
	}
	var stored *bufio.Reader
	if hashes != nil {
		defer hashes.Close()
		stored = bufio.NewReaderSize(hashes, 64<<10)
	}
	var (
		tree  edge
		fresh []tlog.Hash
		got   tlog.Hash
	)
	for r := newLines(entries, 0, end); ; {
		line, off, whole, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return p, err
		}
		if !whole {
			p.torn = &Problem{Kind: Torn, File: "entries.jsonl", Index: -1, Offset: off, Length: int64(len(line)), Text: "octets behind the last whole line"}
			break
		}
		h := leafHash(line)
		p.blanks.look(tree.size, off, line, h)
		fresh = tree.add(h, fresh[:0])
		for _, h := range fresh {
			if p.same && (stored == nil || readHash(stored, &got) != nil || got != h) {
				p.same = false
			}
		}
		if tree.size == signed && tree.root() != root {
			p.same = false
		}
		if wants := kept[tree.size]; wants != nil {
			for _, want := range wants {
				if tree.root() != want.root {
					c.problem(Problem{Kind: BadCheckpoint, File: want.file, Index: -1,
						Text: fmt.Sprintf("the first %d entries do not give the root that was %s", tree.size, want.why)})
				}
			}
			delete(kept, tree.size)
		}
	}
	for size, wants := range kept {
		for _, want := range wants {
			c.problem(Problem{Kind: BadCheckpoint, File: want.file, Index: -1,
				Text: fmt.Sprintf("%d entries were %s, %d are there", size, want.why, tree.size)})
		}
	}
	c.stats.Entries = tree.size
	if p.same && stored != nil {
		if _, err := stored.ReadByte(); err == nil {
			p.same = false
		}
	}
	return p, nil
}

// blanks compares erased lines with the erase entries that must name them: a leaf
// hash alone would let anybody take a line out.
type blanks struct {
	found []Problem // as it would be, were nothing said
	leaf  []tlog.Hash
	said  map[int64]tlog.Hash
}

func (b *blanks) look(index, off int64, line []byte, h tlog.Hash) {
	if _, ok := erasedLeaf(line); ok {
		b.leaf = append(b.leaf, h)
		b.found = append(b.found, Problem{Kind: Altered, File: "entries.jsonl", Index: index, Offset: off, Length: int64(len(line)),
			Text: fmt.Sprintf("line %d was blanked out, and no erase entry says so", index+1)})
		return
	}
	if !bytes.Contains(line, []byte(`"type":"erase"`)) {
		return
	}
	e, err := Decode(line)
	if x, ok := e.Fact.(Erase); ok && err == nil && len(x.Entries) == len(x.Leaves) {
		for i, n := range x.Entries {
			if h, err := parseHash(x.Leaves[i]); err == nil && n < index {
				b.said[n] = h
			}
		}
	}
}

func (b *blanks) unsaid() (out []Problem) {
	for i, p := range b.found {
		if h, ok := b.said[p.Index]; !ok || h != b.leaf[i] {
			out = append(out, p)
		}
	}
	return out
}

func readHash(r io.Reader, h *tlog.Hash) error {
	_, err := io.ReadFull(r, h[:])
	return err
}

// checkpoint checks the signature. Without a checkpoint, signed is 0.
func (c *checker) checkpoint() (signed int64, root tlog.Hash, err error) {
	vkey, err := os.ReadFile(vkeyPath(c.dir))
	if errors.Is(err, fs.ErrNotExist) {
		c.problem(Problem{Kind: BadCheckpoint, File: "log.vkey", Index: -1, Text: "the public key is missing"})
		return 0, root, nil
	}
	if err != nil {
		return 0, root, err
	}
	if c.keys, err = ReadKeys(c.dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, root, err
	}
	if len(c.keys) == 0 {
		c.keys = []Key{{}} // the first line is not what it was; the walk says so
	}
	c.keys[len(c.keys)-1].VKey = strings.TrimSpace(string(vkey))
	msg, err := os.ReadFile(checkpointPath(c.dir))
	if errors.Is(err, fs.ErrNotExist) {
		if fi, serr := os.Stat(entriesPath(c.dir)); serr == nil && fi.Size() > 0 {
			c.problem(Problem{Kind: BadCheckpoint, File: "checkpoint", Index: -1, Text: "there is no signed checkpoint: nothing vouches for the entries"})
		}
		return 0, root, nil
	}
	if err != nil {
		return 0, root, err
	}
	cp, perr := ParseSigned(msg, c.keys)
	if perr != nil {
		c.problem(Problem{Kind: BadCheckpoint, File: "checkpoint", Index: -1, Length: int64(len(msg)), Text: perr.Error()})
		return 0, root, nil
	}
	root, err = parseHash(cp.Root)
	return cp.Size, root, err
}

// keptCheckpoints reads the signed states beside the ledger: those that were
// time-stamped, and those in which the signing key was changed.
func (c *checker) keptCheckpoints() (map[int64][]keptRoot, error) {
	kept := map[int64][]keptRoot{}
	for _, k := range []struct{ dir, why string }{{"checkpoints", "time-stamped"}, {"keys", "signed when the key was changed"}} {
		des, err := os.ReadDir(filepath.Join(c.dir, k.dir))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, de := range des {
			file := k.dir + "/" + de.Name()
			msg, err := os.ReadFile(filepath.Join(c.dir, k.dir, de.Name()))
			if err != nil {
				return nil, err
			}
			cp, err := ParseSigned(msg, c.keys)
			if err == nil && strconv.FormatInt(cp.Size, 10) != de.Name() {
				err = fmt.Errorf("it is of %d entries", cp.Size)
			}
			if err != nil {
				c.problem(Problem{Kind: BadCheckpoint, File: file, Index: -1, Length: int64(len(msg)), Text: err.Error()})
				continue
			}
			root, err := parseHash(cp.Root)
			if err != nil {
				return nil, err
			}
			kept[cp.Size] = append(kept[cp.Size], keptRoot{file, k.why, root})
		}
	}
	for _, k := range c.keys[min(1, len(c.keys)):] {
		if len(kept[k.From+1]) == 0 {
			c.problem(Problem{Kind: BadCheckpoint, File: "keys", Index: k.From - 1, Text: "the signed state in which the key was changed is missing"})
		}
	}
	return kept, nil
}

// diagnose finds where lines and recorded hashes part. It holds both in memory.
func (c *checker) diagnose(entries io.ReaderAt, end, signed int64, root tlog.Hash) error {
	raw, err := readOptional(hashesPath(c.dir))
	if err != nil {
		return err
	}
	var recorded []tlog.Hash
	for i := int64(0); i < leavesOf(int64(len(raw))); i++ {
		at := tlog.StoredHashIndex(0, i) * tlog.HashSize
		recorded = append(recorded, tlog.Hash(raw[at:at+tlog.HashSize]))
	}
	var lineHash []tlog.Hash
	var offsets []int64
	r := newLines(entries, 0, end)
	for {
		line, off, whole, err := r.next()
		if err == io.EOF || err == nil && !whole {
			offsets = append(offsets, off)
			break
		}
		if err != nil {
			return err
		}
		lineHash = append(lineHash, leafHash(line))
		offsets = append(offsets, off)
	}
	linesSound := signed > 0 && rootOf(lineHash, signed) == root
	recordSound := signed > 0 && rootOf(recorded, signed) == root
	if linesSound {
		// The lines are what was signed. Behind them the recorded hashes are the
		// only witness; before them the hashes file is what is wrong.
		if n := c.align(lineHash, recorded, offsets, signed); n == 0 || !recordSound {
			c.hashesFile(raw, lineHash)
		}
		return nil
	}
	n := c.align(lineHash, recorded, offsets, 0)
	switch {
	case signed > 0 && !recordSound:
		c.problem(Problem{Kind: Unsound, File: "entries.jsonl", Index: -1, Length: end,
			Text: fmt.Sprintf("neither the %d lines nor the %d recorded hashes give the root that the checkpoint of %d entries commits to", len(lineHash), len(recorded), signed)})
	case n == 0:
		c.hashesFile(raw, lineHash)
	}
	return nil
}

func rootOf(hs []tlog.Hash, n int64) tlog.Hash {
	if int64(len(hs)) < n {
		return tlog.Hash{}
	}
	var e edge
	var out []tlog.Hash
	for _, h := range hs[:n] {
		out = e.add(h, out[:0])
	}
	return e.root()
}

// hashesFile reports the runs of the hashes file that differ from what the lines give.
func (c *checker) hashesFile(raw []byte, lineHash []tlog.Hash) {
	var e edge
	var want []tlog.Hash
	for _, h := range lineHash {
		want = e.add(h, want)
	}
	start := int64(-1)
	flush := func(at int64) {
		if start >= 0 {
			c.problem(Problem{Kind: Hashes, File: "hashes", Index: -1, Offset: start, Length: at - start, Text: "differs from what the entries give"})
			start = -1
		}
	}
	at := int64(0)
	for i := range want {
		at = int64(i) * tlog.HashSize
		if at+tlog.HashSize > int64(len(raw)) {
			flush(at)
			c.problem(Problem{Kind: Hashes, File: "hashes", Index: -1, Offset: int64(len(raw)), Length: 0,
				Text: fmt.Sprintf("ends after %d octets; %d are needed. It is made again at the next start", len(raw), len(want)*tlog.HashSize)})
			return
		}
		if bytes.Equal(raw[at:at+tlog.HashSize], want[i][:]) {
			flush(at)
		} else if start < 0 {
			start = at
		}
	}
	total := int64(len(want)) * tlog.HashSize
	flush(total)
	if int64(len(raw)) > total {
		c.problem(Problem{Kind: Hashes, File: "hashes", Index: -1, Offset: total, Length: int64(len(raw)) - total, Text: "more than the entries give"})
	}
}

// align walks lines and recorded hashes together, from an index on, and reports
// what differs. Lines behind the last recorded hash are no problem of theirs:
// hashes are written after them and without fsync.
func (c *checker) align(lineHash, recorded []tlog.Hash, offsets []int64, from int64) (problems int) {
	where := make(map[tlog.Hash]int, len(recorded))
	for i, h := range recorded {
		where[h] = i
	}
	i := min(int(from), len(lineHash), len(recorded))
	j := i
	for j < len(recorded) {
		if i < len(lineHash) && j < len(recorded) && lineHash[i] == recorded[j] {
			i++
			j++
			continue
		}
		// Up to the next line that was recorded further on.
		k, to := i, len(recorded)
		for ; k < len(lineHash); k++ {
			if p, ok := where[lineHash[k]]; ok && p >= j {
				to = p
				break
			}
		}
		for ; i < k && j < to; i, j = i+1, j+1 {
			problems++
			c.problem(Problem{Kind: Altered, File: "entries.jsonl", Index: int64(j), Offset: offsets[i], Length: offsets[i+1] - offsets[i],
				Text: fmt.Sprintf("line %d is not the entry that was recorded: hash %v, recorded %v", i+1, lineHash[i], recorded[j])})
		}
		for ; i < k; i++ {
			problems++
			text := fmt.Sprintf("line %d was not recorded", i+1)
			if p, ok := where[lineHash[i]]; ok {
				text = fmt.Sprintf("line %d repeats entry %d out of its place", i+1, p)
			}
			c.problem(Problem{Kind: Added, File: "entries.jsonl", Index: int64(j), Offset: offsets[i], Length: offsets[i+1] - offsets[i], Text: text})
		}
		for ; j < to; j++ {
			problems++
			c.problem(Problem{Kind: Missing, File: "entries.jsonl", Index: int64(j), Offset: offsets[i],
				Text: fmt.Sprintf("entry %d, recorded as %v, is not there", j, recorded[j])})
		}
	}
	return problems
}
