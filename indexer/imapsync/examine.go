package imapsync

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"
)

// examine opens a folder for reading. readOnly is what the server confirms.
func (s *session) examine(name string) (st status, readOnly bool, err error) {
	args := []arg{astring(name)}
	if s.condstore() {
		args = append(args, arg{text: "(CONDSTORE)"})
	}
	s.g.opening()
	c, err := s.command("EXAMINE", s.opened(&st), args...)
	if err == nil && s.notKept(c) {
		return s.examine(name)
	}
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	// The greatest or last EXISTS counts; Zimbra sends several.
	st.exists, st.hasExists = s.g.exists, true
	return st, c.code == "READ-ONLY", err
}

// examineAndDescribe is examine and describe of all messages in one round trip. ok
// is false when the server did not answer the second, or the name has to be a
// literal; what each was called for then counts for nothing, and without the first
// the folder is not open.
func (s *session) examineAndDescribe(name string, each func(ListedMessage)) (st status, readOnly, ok bool, err error) {
	q, quotable := quote(name)
	if !quotable {
		st, readOnly, err = s.examine(name)
		return st, readOnly, false, err
	}
	examine := "EXAMINE " + q
	if s.condstore() {
		examine += " (CONDSTORE)"
	}
	s.g.opening()
	s.tags += 2
	a, b, err := s.g.pair(
		raw{"A" + strconv.Itoa(s.tags-1), examine, s.opened(&st)},
		raw{"A" + strconv.Itoa(s.tags), "UID FETCH 1:* " + s.description(), described(each)})
	if err == nil && s.notKept(a) {
		st, readOnly, err = s.examine(name)
		return st, readOnly, false, err
	}
	if err == nil && a.status != "OK" {
		err = &refusal{a}
	}
	st.exists, st.hasExists = s.g.exists, true
	return st, a.code == "READ-ONLY", err == nil && b.status == "OK", err
}

// opened reads what EXAMINE answers.
func (s *session) opened(st *status) func(response) error {
	return func(r response) error {
		if r.word() != "OK" {
			return nil
		}
		c := readCondition(r.conditionPart())
		n, _ := strconv.ParseUint(strings.TrimSpace(c.arg), 10, 64)
		switch c.code {
		case "UIDVALIDITY":
			st.uidValidity = uint32(n)
		case "UIDNEXT":
			st.uidNext = uint32(n)
		case "HIGHESTMODSEQ":
			if s.condstore() {
				st.modSeq = n
			}
		case "MAILBOXID":
			// RFC 8474 section 4.2: the id stands in parentheses.
			if s.caps["OBJECTID"] {
				st.id = strings.Trim(c.arg, " ()")
			}
		}
		return nil
	}
}

func (r response) conditionPart() []byte {
	if len(r) < 2 {
		return nil
	}
	return r[2:]
}

func (s *session) noop() error {
	_, err := s.command("NOOP", nil)
	return err
}

// describe fetches what the server says about UIDs without their messages, and
// calls each for every UID, again when the server has more to say of it. What it
// leaves out is left out. With since it is restricted to UIDs whose MODSEQ is
// greater.
func (s *session) describe(set string, since uint64, each func(ListedMessage)) error {
	for {
		args := []arg{{text: set}, {text: s.description()}}
		if since > 0 {
			args = append(args, arg{text: fmt.Sprintf("(CHANGEDSINCE %d)", since)})
		}
		c, err := s.command("UID FETCH", described(each), args...)
		if err != nil || c.status == "OK" {
			return err
		}
		if c.status == "BAD" && s.objects() != "" {
			s.noObjects = true // offered, and not kept
			continue
		}
		return &refusal{c}
	}
}

// description are the items of a description.
func (s *session) description() string {
	switch s.objects() {
	case objectID:
		return "(UID FLAGS INTERNALDATE RFC822.SIZE EMAILID THREADID)"
	case gmail:
		return "(UID FLAGS INTERNALDATE RFC822.SIZE X-GM-MSGID X-GM-THRID X-GM-LABELS)"
	}
	return "(UID FLAGS INTERNALDATE RFC822.SIZE)"
}

// described calls each for what describes a UID. DavMail answers in fragments, so
// what came of a UID is put together; flags alone are the change of another session
// and no answer.
func described(each func(ListedMessage)) func(response) error {
	begun := map[uint32]ListedMessage{}
	return func(r response) error {
		_, rest, ok := r.numbered("FETCH")
		if !ok {
			return nil
		}
		m := ListedMessage{Size: -1}
		readDescription(rest, &m)
		before, again := begun[m.UID]
		if again {
			m.fill(before)
		}
		switch {
		case m.UID == 0:
		case m.Size < 0 || m.InternalDate.IsZero() || m.Flags == nil:
			begun[m.UID] = m
		case again:
			delete(begun, m.UID)
		}
		if m.UID != 0 && m.Size >= 0 {
			each(m)
		}
		return nil
	}
}

// fill takes from the fragment before what m does not say.
func (m *ListedMessage) fill(before ListedMessage) {
	if m.Size < 0 {
		m.Size = before.Size
	}
	if m.InternalDate.IsZero() {
		m.InternalDate = before.InternalDate
	}
	if m.Flags == nil {
		m.Flags = before.Flags
	}
	if m.Object.ID == "" {
		m.Object = before.Object
	}
}

// readDescription reads what follows "* n FETCH" into m, where it says something.
func readDescription(b []byte, m *ListedMessage) {
	v, err := readValues(b)
	if err != nil || len(v) != 1 || !v[0].isList {
		return
	}
	for items := v[0].list; len(items) > 1; items = items[2:] {
		x := items[1]
		switch strings.ToUpper(items[0].s) {
		case "UID":
			m.UID, _ = number32(x.s)
		case "RFC822.SIZE":
			if n, err := strconv.ParseInt(x.s, 10, 64); err == nil && n >= 0 {
				m.Size = n
			}
		case "INTERNALDATE":
			m.InternalDate = readInternalDate(x.s)
		case "FLAGS":
			m.Flags = flagNames(x.list)
		case "EMAILID", "THREADID", "X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS":
			m.Object.read(strings.ToUpper(items[0].s), x)
		}
	}
}

// flagNames sorts the flags, without \Recent, which says something about the
// session and not about the message.
func flagNames(list []value) []string {
	out := []string{}
	for _, f := range list {
		if f.s != "" && !strings.EqualFold(f.s, `\Recent`) {
			out = append(out, f.s)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// uids fetches the UIDs of all messages with FETCH, for servers whose SEARCH
// does not add up.
func (s *session) uids(out map[uint32]bool) error {
	c, err := s.command("UID FETCH", func(r response) error {
		_, rest, ok := r.numbered("FETCH")
		if !ok {
			return nil
		}
		v, _ := readValues(rest)
		if len(v) == 1 && v[0].isList {
			for i := 0; i+1 < len(v[0].list); i += 2 {
				if strings.EqualFold(v[0].list[i].s, "UID") {
					if n, ok := number32(v[0].list[i+1].s); ok && n > 0 {
						out[n] = true
					}
				}
			}
		}
		return nil
	}, arg{text: "1:*"}, arg{text: "(UID)"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

// search returns all UIDs of the folder in ascending order. It asks for "UID
// 1:*": a bare ALL gives wrong numbers on iCloud.
func (s *session) search() ([]uint32, error) {
	var opt *imap.SearchOptions
	if s.caps["ESEARCH"] {
		opt = &imap.SearchOptions{ReturnAll: true}
	}
	defer s.g.settled()
	data, err := s.client.UIDSearch(&imap.SearchCriteria{UID: []imap.UIDSet{{imap.UIDRange{Start: 1, Stop: 0}}}}, opt).Wait()
	if err != nil {
		return nil, s.clientErr(err)
	}
	set, _ := data.All.(imap.UIDSet)
	var out []uint32
	for _, r := range set {
		lo, hi := uint32(r.Start), uint32(r.Stop)
		if lo > hi {
			lo, hi = hi, lo
		}
		if lo == 0 {
			continue // UID 0 does not exist; seen in practice
		}
		if uint64(hi)-uint64(lo)+uint64(len(out)) > maxUIDs {
			return nil, s.g.fail(fmt.Errorf("a folder of more than %d messages: %w", maxUIDs, errTooLong))
		}
		for u := uint64(lo); u <= uint64(hi); u++ {
			out = append(out, uint32(u))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// maxUIDs keeps one short ESEARCH line from filling the memory.
const maxUIDs = 10_000_000
