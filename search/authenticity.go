package search

import "time"

// Authenticity is what the signatures of a message (DKIM) prove: that a domain sent
// these header fields and this body, not who typed them. It was found out when the
// message came, and recorded.
type Authenticity struct {
	State      string      `json:"state"`             // "verified", "failed" or "not checked"
	Why        string      `json:"why,omitempty"`     // of a state that is not "verified"
	Checked    *time.Time  `json:"checked,omitempty"` // our clock
	Entry      int64       `json:"entry"`             // ledger index of the finding; -1 without
	Signatures []Signature `json:"signatures"`
	// Received is the word of the server that took the message in.
	Received *ReceivedWord `json:"received,omitempty"`
}

// Signature is one DKIM signature.
type Signature struct {
	State     string     `json:"state"`
	Why       string     `json:"why,omitempty"`
	Domain    string     `json:"domain"`
	Aligned   bool       `json:"aligned"` // the domain is that of the From address, or above it
	Selector  string     `json:"selector"`
	Algorithm string     `json:"algorithm"`
	Canon     string     `json:"canonicalization"`
	Headers   []string   `json:"headers"`   // covered
	Uncovered []string   `json:"uncovered"` // shown to people, and anybody's
	Signed    *time.Time `json:"signed,omitempty"`
	Expires   *time.Time `json:"expires,omitempty"`
	Length    *int64     `json:"length,omitempty"` // octets of the body covered, when not all
	KeyEntry  int64      `json:"key_entry"`        // ledger index of the key record; -1 without
}

// ReceivedWord is the topmost Authentication-Results field.
type ReceivedWord struct {
	Server  string `json:"server"`
	Results string `json:"results"`
	Header  string `json:"header_sha256"`
}
