package imapsync

import (
	"context"
	"slices"
	"strings"
)

// Object is what a server calls a message wherever it is: RFC 8474, or Gmail's
// extension. The names mean something within one account. They save work and prove
// nothing: two servers may use one, and one server has used one twice.
type Object struct {
	ID     string   // EMAILID or X-GM-MSGID; "" when it is not known
	Thread string   // THREADID or X-GM-THRID
	Labels []string // X-GM-LABELS as on the wire, in alphabetical order
}

// Objects is a Folder that keeps what the server calls its messages.
type Objects interface {
	// Objects keeps the Object of each of these UIDs, which were given to List
	// before, in place of what it had.
	Objects(ctx context.Context, of []ListedMessage) error
}

// The extensions that name messages.
const (
	objectID = "OBJECTID"   // RFC 8474
	gmail    = "X-GM-EXT-1" // developers.google.com/gmail/imap/imap-extensions
)

// objects is the extension that the server names its messages with, "" for none.
func (s *session) objects() string {
	switch {
	case s.noObjects:
	case s.caps[gmail]:
		return gmail
	case s.caps[objectID]:
		return objectID
	}
	return ""
}

// read takes one item of a FETCH response.
func (o *Object) read(item string, x value) {
	id := x.s
	if x.isList && len(x.list) == 1 { // RFC 8474 section 5: in parentheses
		id = x.list[0].s
	}
	if x.isNil() {
		id = ""
	}
	switch item {
	case "EMAILID", "X-GM-MSGID":
		o.ID = id
	case "THREADID", "X-GM-THRID":
		o.Thread = id
	case "X-GM-LABELS":
		for _, l := range x.list {
			if l.s != "" {
				o.Labels = append(o.Labels, l.s)
			}
		}
		slices.SortFunc(o.Labels, strings.Compare)
	}
}
