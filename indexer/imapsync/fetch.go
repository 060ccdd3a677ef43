package imapsync

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"inwriting/indexer/archive"
)

// clientErr tells a refusal from a broken connection. go-imap's own words for
// the latter are of no use, the guard knows better.
func (s *session) clientErr(err error) error {
	var ie *imap.Error
	if errors.As(err, &ie) {
		return &refusal{condition{status: string(ie.Type), code: string(ie.Code), text: ie.Text}}
	}
	return s.broken(err)
}

// broken ends the connection and waits until go-imap has seen it. Only then is
// it safe to touch a command of go-imap's again.
func (s *session) broken(err error) error {
	garbled := fmt.Errorf("%w: %v", errGarbled, err)
	if err = s.g.fail(garbled); errors.Is(err, errClosed) {
		err = garbled // go-imap closed the connection over it
	}
	<-s.client.Closed()
	return err
}

// delivery is a message as FETCH gave it.
type delivery struct {
	uid          uint32
	blob         *archive.Blob
	size         int64 // RFC822.SIZE, -1 if not said
	internalDate time.Time
	flags        []string
	hasFlags     bool
}

// stageError is a failure on our side of the wire.
type stageError struct{ error }

func (e stageError) Unwrap() error { return e.error }

// fetch asks for the messages of uids and gives each that is complete to
// accept, one behind the wire: a message is final only when the next response
// has begun or the command has ended, because a server that announces a wrong
// length shows it only then. After a failure of the connection the last one is
// thrown away.
//
// The error is a *refusal, a stageError, an error of accept or the guard's.
// Messages may be missing whatever the error, nil included.
func (s *session) fetch(uids []uint32, bare bool, stage Stager, accept func(delivery) error) error {
	set := imap.UIDSet{}
	for _, u := range uids {
		set.AddNum(imap.UID(u))
	}
	opt := &imap.FetchOptions{UID: true, BodySection: []*imap.FetchItemBodySection{{Peek: true}}}
	if !bare {
		opt.Flags, opt.InternalDate, opt.RFC822Size = true, true, true
	}
	cmd := s.client.Fetch(set, opt)
	defer s.g.settled()

	var last *delivery
	abort := func() {
		if last != nil {
			last.blob.Discard()
		}
		s.g.fail(errClosed)
		<-s.client.Closed()
		cmd.Close() // its error repeats ours
	}
	for {
		msg := cmd.Next()
		if last != nil && msg != nil {
			d := *last
			last = nil
			if err := accept(d); err != nil {
				s.g.fail(errClosed)
				discard(msg)
				abort()
				return err
			}
		}
		if msg == nil {
			break
		}
		d, err := s.receive(msg, stage)
		if err != nil {
			abort()
			return err
		}
		if d.uid != 0 && d.blob != nil {
			last = &d
		}
	}
	s.g.settled() // the store may take its time with the last one
	if err := cmd.Close(); err != nil {
		err = s.clientErr(err)
		var no *refusal
		if !errors.As(err, &no) {
			if last != nil {
				last.blob.Discard()
			}
			return err
		}
		if last != nil {
			if err := accept(*last); err != nil {
				return err
			}
		}
		return no
	}
	if last != nil {
		return accept(*last)
	}
	return nil
}

// receive reads one response. A body that is NIL counts as none.
func (s *session) receive(msg *imapclient.FetchMessageData, stage Stager) (d delivery, err error) {
	d.size = -1
	for {
		item := msg.Next()
		if item == nil {
			return d, nil
		}
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			d.uid = uint32(item.UID)
		case imapclient.FetchItemDataFlags:
			d.hasFlags = true
			for _, f := range item.Flags {
				if !strings.EqualFold(string(f), `\Recent`) {
					d.flags = append(d.flags, string(f))
				}
			}
			slices.Sort(d.flags)
			d.flags = slices.Compact(d.flags)
		case imapclient.FetchItemDataInternalDate:
			d.internalDate = item.Time
		case imapclient.FetchItemDataRFC822Size:
			d.size = item.Size
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || d.blob != nil {
				continue
			}
			want := item.Literal.Size()
			lit := &literalReader{r: item.Literal}
			blob, err := stage.Read(lit)
			if err == nil && blob.Size() == want {
				d.blob = blob
				continue
			}
			if blob != nil {
				blob.Discard()
			}
			failed := s.g.failure()
			if failed == nil && err == nil {
				// The guard makes an end inside a literal an error, so this
				// cannot happen; if it does, nothing of it is kept.
				failed = s.g.fail(fmt.Errorf("message of %d octets ended after %d", want, blob.Size()))
			}
			if failed == nil {
				failed = stageError{err}
			}
			s.g.fail(failed)
			// go-imap waits until the literal has been read to its end or error,
			// and from then on its reader must not be disturbed.
			if !lit.ended {
				_, _ = io.Copy(io.Discard, lit)
			}
			return d, failed
		}
	}
}

// fetchRaw fetches one message into memory, in whatever order its items come. A
// response without a UID counts when it is the only one with a body and has the
// size that was announced.
func (s *session) fetchRaw(it item) (body []byte, ok bool, err error) {
	bodies := 0
	err = s.fetchPart(strconv.FormatUint(uint64(it.uid), 10), "", rawOctets, func(uid uint32, octets []byte) {
		bodies++
		if uid == it.uid || uid == 0 && int64(len(octets)) == it.size && it.size > 0 {
			body, ok = octets, true
		}
	})
	return body, ok && bodies == 1, err
}

// fetchPart fetches a section of messages ("HEADER", "" for all) without go-imap,
// each at most limit octets, and calls each for every response that holds one. uid
// is 0 where the response does not say it; the octets are the callee's. What cannot
// be read is no answer.
func (s *session) fetchPart(set, section string, limit int64, each func(uid uint32, octets []byte)) error {
	usual := s.g.lim.small
	s.g.lim.small = limit
	defer func() { s.g.lim.small = usual }()
	c, err := s.command("UID FETCH", func(r response) error {
		_, rest, ok := r.numbered("FETCH")
		if !ok {
			return nil
		}
		// Items may go on behind the parenthesis, and be followed by another (Xeams,
		// Exchange): what is read up to there counts.
		v, _ := readValues(rest)
		if len(v) == 0 || !v[0].isList || !v[0].closed {
			return nil
		}
		uid, text, has := uint32(0), "", false
		for items := slices.Concat(v[0].list, v[1:]); len(items) > 1; items = items[2:] {
			switch strings.ToUpper(items[0].s) {
			case "UID":
				uid, _ = number32(items[1].s)
			case "BODY[" + section + "]":
				text, has = items[1].s, items[1].quoted
			}
		}
		if has {
			each(uid, []byte(text))
		}
		return nil
	}, arg{text: set}, arg{text: "(UID BODY.PEEK[" + section + "])"})
	if err == nil && c.status != "OK" {
		err = &refusal{c}
	}
	return err
}

// literalReader knows whether a literal was read to its end or error.
type literalReader struct {
	r     io.Reader
	ended bool
}

func (l *literalReader) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.ended = l.ended || err != nil
	return n, err
}

// discard reads a response nobody wants, so that go-imap can go on to its end.
func discard(msg *imapclient.FetchMessageData) {
	for msg.Next() != nil {
	}
}
