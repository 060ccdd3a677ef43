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
	s.g.exists = 0
	c, err := s.command("EXAMINE", s.opened(&st), args...)
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
	s.g.exists = 0
	s.tags += 2
	a, b, err := s.g.pair(
		raw{"A" + strconv.Itoa(s.tags-1), examine, s.opened(&st)},
		raw{"A" + strconv.Itoa(s.tags), "UID FETCH 1:* " + descriptionItems, described(each)})
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
// calls each for every UID once per response. What it leaves out is left out.
// With since it is restricted to UIDs whose MODSEQ is greater.
func (s *session) describe(set string, since uint64, each func(ListedMessage)) error {
	args := []arg{{text: set}, {text: descriptionItems}}
	if since > 0 {
		args = append(args, arg{text: fmt.Sprintf("(CHANGEDSINCE %d)", since)})
	}
	c, err := s.command("UID FETCH", described(each), args...)
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

const descriptionItems = "(UID FLAGS INTERNALDATE RFC822.SIZE)"

func described(each func(ListedMessage)) func(response) error {
	return func(r response) error {
		if _, rest, ok := r.numbered("FETCH"); ok {
			if m, ok := readDescription(rest); ok {
				each(m)
			}
		}
		return nil
	}
}

// readDescription reads what follows "* n FETCH". A response without size is a
// flag change of another session and not an answer.
func readDescription(b []byte) (m ListedMessage, ok bool) {
	v, err := readValues(b)
	if err != nil || len(v) != 1 || !v[0].isList {
		return m, false
	}
	items := v[0].list
	hasSize := false
	for i := 0; i+1 < len(items); i += 2 {
		x := items[i+1]
		switch strings.ToUpper(items[i].s) {
		case "UID":
			m.UID, _ = number32(x.s)
		case "RFC822.SIZE":
			n, err := strconv.ParseInt(x.s, 10, 64)
			hasSize = err == nil && n >= 0
			m.Size = max(n, 0)
		case "INTERNALDATE":
			m.InternalDate = readInternalDate(x.s)
		case "FLAGS":
			m.Flags = flagNames(x.list)
		}
	}
	return m, m.UID != 0 && hasSize
}

// flagNames sorts the flags, without \Recent, which says something about the
// session and not about the message.
func flagNames(list []value) []string {
	var out []string
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
