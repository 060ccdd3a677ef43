package message

import "time"

// Address is one mailbox of an address field, decoded. Address is lower-case;
// Name may be empty.
type Address struct {
	Name    string `json:"name,omitempty"`
	Address string `json:"address"`
}

// ZoneKind says whose words a stretch of text is.
type ZoneKind string

const (
	New       ZoneKind = "new"       // what this message's author wrote in it
	Quoted    ZoneKind = "quoted"    // history repeated from an earlier message, with its attribution line
	Forwarded ZoneKind = "forwarded" // another message passed on, with its header block
	Signature ZoneKind = "signature" // closing lines with name, address, telephone
	Legal     ZoneKind = "legal"     // disclaimers, list footers, unsubscribe lines
)

// Zone is a stretch of Message.Text, in bytes, [Start,End). The zones of a
// message are in order, do not overlap and cover its text. Zones begin and end at
// line boundaries, but for an answer that stands on the line of its question.
type Zone struct {
	Kind       ZoneKind
	Start, End int
}

// Part is one leaf of the MIME tree that is not the text that was read.
type Part struct {
	Number      string `json:"number"`       // as in IMAP sections: "2", "1.2"
	ContentType string `json:"content_type"` // lower-case type/subtype
	Name        string `json:"name,omitempty"`
	ContentID   string `json:"content_id,omitempty"`
	Inline      bool   `json:"inline,omitempty"`
	Size        int64  `json:"size"`   // decoded octets
	SHA256      string `json:"sha256"` // of the decoded octets, hexadecimal
}

// Defect is a departure from the RFCs that reading survived.
type Defect struct {
	Code string `json:"code"` // stable, e.g. "header-line-malformed"
	Text string `json:"text"` // what and where, for people
}

// Message is one message as read. Nothing in it is evidence: the octets are.
type Message struct {
	From, Sender, ReplyTo, To, Cc, Bcc []Address

	Subject    string
	MessageID  string   // without angle brackets; "" when absent
	InReplyTo  []string // without angle brackets, in order
	References []string // without angle brackets, in order

	Date    time.Time // the author's claim in the author's own zone; zero when absent or unreadable
	DateRaw string    // the field as written

	Received    time.Time // newest Received field's time; zero when there is none
	ThreadIndex string    // Outlook's Thread-Index, decoded to hexadecimal; "" when absent
	Mailer      string    // X-Mailer or User-Agent
	Auto        bool      // sent by a program: Auto-Submitted, Precedence bulk/list, List-Id, List-Unsubscribe, noreply senders, null Return-Path

	Text      string // the body as read, UTF-8, LF line ends; plain text wins over HTML where it has content
	FromHTML  bool   // Text was made from an HTML part
	Truncated bool   // Text was cut at MaxText
	Zones     []Zone // covers Text

	Parts   []Part
	Defects []Defect
	Size    int64 // octets read
}

// MaxText bounds Message.Text, in bytes. A longer body is cut at a line and
// flagged Truncated: nobody writes an instruction in the second megabyte.
const MaxText = 1 << 20
