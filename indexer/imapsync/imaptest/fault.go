package imaptest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fault is one way to spoil the conversation. What a kind of fault acts on, mostly
// the messages in FETCH responses, is counted over all connections, from 1; At says
// at which the fault begins to act, Times how often it acts from there on (0: once),
// and UID that it acts on that UID only, whenever it passes.
//
// With Random, any kind acts, on about one in At of what there is to act on, at most
// Times times in all. Random belongs to the proxy until it is closed.
type Fault struct {
	Kind   string // one of Faults
	At     int
	Times  int
	UID    uint32
	Random *rand.Rand
}

// Faults are the kinds of Fault. A flipped bit is not among them: nothing but TLS
// finds that, which is why TLS is asked for.
var Faults = func() (all []string) {
	for _, p := range []place{atMessage, atSearch, atValidity, atNext, atFolder, atLine} {
		all = append(all, faultsAt[p]...)
	}
	return all
}()

// place is what a fault acts on.
type place int

const (
	atMessage  place = iota // a message in a FETCH response
	atSearch                // the UIDs that SEARCH finds
	atValidity              // the UIDVALIDITY of a folder that is opened
	atNext                  // its UIDNEXT
	atFolder                // a line of LIST
	atLine                  // any other untagged line
)

var faultsAt = map[place][]string{
	atMessage: {
		"cut", "rst", "cut-literal", "rst-literal", "cut-tag", "stall", "stall-literal", "swallow-ok", "bye", "no", "no-early",
		"drop", "nil-body", "no-body", "empty-body", "flags-first", "flags-after", "wrong-uid", "uid-last", "no-uid", "dup", "lie-long", "lie-short",
		"huge-literal", "garbage", "unknown", "vanished", "blank", "bad-date", "long-line", "slow",
	},
	atSearch:   {"search-short", "search-empty"},
	atValidity: {"uidvalidity", "no-uidvalidity"},
	atNext:     {"no-uidnext"},
	atFolder:   {"list-short"},
	atLine:     {"cut-line"},
}

var (
	uidRE      = regexp.MustCompile(`\(UID (\d+) ?`)
	dateRE     = regexp.MustCompile(`INTERNALDATE "[^"]*"`)
	validityRE = regexp.MustCompile(`\[UIDVALIDITY (\d+)\]`)
	lastRE     = regexp.MustCompile(`([ ,:])(\d+)(\r\n)$`)
)

// acts counts what a fault may act on and says which one does, if any.
func (p *Proxy) acts(at place, uid uint32) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[at]++
	f := p.fault
	kind := f.Kind
	switch {
	case f.Random != nil:
		// There are few new messages in a pass, and many lines, of which most only tell
		// that the connection has ended.
		one := f.At * map[place]int{atMessage: 1, atSearch: 3, atValidity: 4, atNext: 8, atFolder: 8, atLine: 30}[at]
		if p.acted >= f.Times || f.Random.IntN(one) > 0 {
			return ""
		}
		kind = faultsAt[at][f.Random.IntN(len(faultsAt[at]))]
	case kind == "" || !slices.Contains(faultsAt[at], kind):
		return ""
	case f.UID != 0:
		if f.UID != uid {
			return ""
		}
	case p.seen[at] < f.At || p.acted >= max(f.Times, 1):
		return ""
	}
	p.acted++
	p.kinds[kind]++
	return kind
}

// untagged returns a line with what the faults do to it. An error ends the
// connection.
func (l *link) untagged(line []byte) ([]byte, error) {
	at := atLine
	switch s := string(line); {
	case strings.HasPrefix(s, "* SEARCH"), strings.HasPrefix(s, "* ESEARCH"):
		at = atSearch
	case strings.HasPrefix(s, "* OK [UIDVALIDITY "):
		at = atValidity
	case strings.HasPrefix(s, "* OK [UIDNEXT "):
		at = atNext
	case strings.HasPrefix(s, "* LIST "):
		at = atFolder
	}
	switch l.p.acts(at, 0) {
	case "search-short": // the last one is left out
		m := lastRE.FindSubmatchIndex(line)
		if m == nil {
			return line, nil
		}
		if string(line[m[2]:m[3]]) == ":" {
			n, _ := strconv.Atoi(string(line[m[4]:m[5]]))
			return fmt.Appendf(nil, "%s%d\r\n", line[:m[4]], n-1), nil
		}
		if bytes.HasPrefix(line, []byte("* ESEARCH")) && string(line[m[2]:m[3]]) == " " {
			return line, nil // the only one
		}
		return append(line[:m[2]:m[2]], "\r\n"...), nil
	case "search-empty":
		if bytes.HasPrefix(line, []byte("* SEARCH")) {
			return []byte("* SEARCH\r\n"), nil
		}
		if i := bytes.Index(line, []byte(" ALL ")); i > 0 {
			return append(line[:i:i], "\r\n"...), nil
		}
	case "uidvalidity":
		m := validityRE.FindSubmatch(line)
		n, _ := strconv.ParseUint(string(m[1]), 10, 32)
		return fmt.Appendf(nil, "* OK [UIDVALIDITY %d] UIDs valid\r\n", n+1_000_000), nil
	case "no-uidvalidity", "no-uidnext", "list-short":
		return nil, nil
	case "cut-line":
		l.send(line[:len(line)/2])
		return nil, io.ErrUnexpectedEOF
	}
	return line, nil
}

// message passes on one message, or does to it what the fault says. It returns
// false when the connection is to end.
func (l *link) message(line, body, tail []byte) bool {
	var uid uint64
	if m := uidRE.FindSubmatch(line); m != nil {
		uid, _ = strconv.ParseUint(string(m[1]), 10, 32)
	}
	kind := l.p.acts(atMessage, uint32(uid))
	if kind == "" {
		return l.send(line, body, tail)
	}
	seq, _, _ := strings.Cut(string(line[2:]), " ")
	short := func(items string) []byte { return fmt.Appendf(nil, "* %s FETCH (%s)\r\n", seq, items) }
	announce := func(n int64) []byte {
		return literalRE.ReplaceAll(line, fmt.Appendf(nil, "{%d}\r\n", n))
	}
	later := func(set *bool) bool {
		l.mu.Lock()
		*set = true
		l.mu.Unlock()
		return l.send(line, body, tail)
	}
	half := body[:len(body)/2]
	switch kind {
	case "cut":
		return false
	case "rst":
		l.reset()
		return false
	case "cut-literal":
		l.send(line, half)
		return false
	case "rst-literal":
		l.send(line, half)
		time.Sleep(5 * time.Millisecond)
		l.reset()
		return false
	case "stall":
		l.hang()
		return false
	case "stall-literal":
		l.send(line, half)
		l.hang()
		return false
	case "cut-tag":
		return later(&l.cutTag)
	case "swallow-ok":
		return later(&l.swallow)
	case "no":
		return later(&l.refuse)
	case "no-early":
		l.mu.Lock()
		l.refuse = true
		l.mu.Unlock()
		return true
	case "bye":
		l.send([]byte("* BYE Session expired, come again\r\n"))
		return false
	case "drop":
		return true
	case "nil-body":
		return l.send(short(fmt.Sprintf("UID %d BODY[] NIL", uid)))
	case "no-body":
		return l.send(short(fmt.Sprintf("UID %d", uid)))
	case "empty-body":
		return l.send(short(fmt.Sprintf(`UID %d BODY[] ""`, uid)))
	case "flags-first":
		return l.send(short(fmt.Sprintf(`UID %d FLAGS (\Seen)`, uid)), line, body, tail)
	case "flags-after":
		return l.send(line, body, tail, short(fmt.Sprintf(`UID %d FLAGS (\Seen)`, uid)))
	case "wrong-uid":
		return l.send(uidRE.ReplaceAll(line, fmt.Appendf(nil, "(UID %d ", uid+100000)), body, tail)
	case "no-uid":
		return l.send(uidRE.ReplaceAll(line, []byte("(")), body, tail)
	case "uid-last":
		return l.send(uidRE.ReplaceAll(line, []byte("(")), body, fmt.Appendf(nil, " UID %d)\r\n", uid))
	case "dup":
		return l.send(line, body, tail, line, body, tail)
	case "lie-long":
		return l.send(announce(int64(len(body))+10), body, tail)
	case "lie-short":
		return l.send(announce(max(int64(len(body))-10, 0)), body, tail)
	case "huge-literal":
		l.send(announce(1<<40), body, tail)
		l.hang()
		return false
	case "garbage":
		return l.send([]byte("* 5 FETCH (UID ((( %%\r\n"), line, body, tail)
	case "unknown":
		return l.send([]byte("* XFOO (bar baz)\r\n"), line, body, tail)
	case "vanished":
		return l.send([]byte("* VANISHED 999991:999999\r\n"), line, body, tail)
	case "blank":
		return l.send([]byte("\r\n"), line, body, tail)
	case "bad-date":
		return l.send(dateRE.ReplaceAll(line, []byte(`INTERNALDATE ""`)), body, tail)
	case "long-line":
		if !l.send([]byte("* OK ")) {
			return false
		}
		for range 64 {
			if !l.send(bytes.Repeat([]byte("x"), 1<<20)) {
				return false
			}
		}
		return l.send([]byte("\r\n"), line, body, tail)
	case "slow":
		l.send(line)
		step := max(len(body)/20, 1)
		for len(body) > 0 {
			k := min(step, len(body))
			if !l.send(body[:k]) {
				return false
			}
			body = body[k:]
			time.Sleep(10 * time.Millisecond)
		}
		return l.send(tail)
	}
	panic("imaptest: unknown fault " + kind)
}
