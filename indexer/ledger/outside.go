package ledger

// What outsiders said: authorities about the time, name servers about keys, mail
// servers and signatures about a message.

// Anchor is a checkpoint that an RFC 3161 authority put a time on. Every entry
// before it existed at GenTime; every entry behind it was recorded later. Since
// the tree that a later anchor stamps holds this entry, it also renews this one.
type Anchor struct {
	Authority  string `json:"authority"`  // name in the configuration
	Size       int64  `json:"size"`       // entries that the checkpoint commits to
	Checkpoint string `json:"checkpoint"` // SHA-256 of the checkpoint file
	Token      string `json:"token"`      // SHA-256 of the .tsr file
	GenTime    string `json:"gentime"`    // as the authority says
	Serial     string `json:"serial"`
	Clock      int64  `json:"clock"` // our clock minus theirs, ms
}

// ClockSkew says that our clock and an authority's were apart by more than a few
// seconds.
type ClockSkew struct {
	Authority string `json:"authority"`
	Clock     int64  `json:"clock"` // our clock minus theirs, ms
}

// DNSKey is a key record as a resolver gave it. It makes a signature checkable when
// the record is gone from the DNS.
type DNSKey struct {
	Name     string   `json:"name"` // selector._domainkey.domain
	Records  []string `json:"records"`
	Resolver string   `json:"resolver"` // "" for the system's
	// AD is the resolver's word that DNSSEC vouches for the answer: "yes", "no", or
	// "" where the way we asked does not tell.
	AD string `json:"ad"`
}

// AuthResult is what signatures said about a message when it was collected, and
// what the receiving server said.
type AuthResult struct {
	Blob  string `json:"blob"`
	State string `json:"state"` // "verified", "failed" or "not checked"
	Why   string `json:"why"`   // of a state that is not "verified"; "" otherwise

	Signatures []Signature `json:"signatures,omitempty"`

	// The topmost Authentication-Results field: the statement of the server that
	// AuthServ names, and no check of ours.
	AuthServ   string `json:"authserv,omitempty"`
	AuthHeader string `json:"authheader,omitempty"` // SHA-256 of the field as it stands
	Stated     string `json:"stated,omitempty"`     // its results, as "dkim=pass spf=none"
}

// Signature is one DKIM signature of a message.
type Signature struct {
	Domain    string `json:"d"`
	Selector  string `json:"s"`
	Algorithm string `json:"a"`
	Canon     string `json:"c"`
	Headers   string `json:"h"` // names of the fields covered, by ":"
	Uncovered string `json:"uncovered"`
	Signed    int64  `json:"t"` // Unix s; 0 without
	Expires   int64  `json:"x"` // Unix s; 0 without
	Length    int64  `json:"l"` // octets of the body covered; -1 for all
	State     string `json:"state"`
	Why       string `json:"why"`
	Key       int64  `json:"key"` // index of the DNSKey entry; -1 without
}

func (Anchor) EntryType() string     { return "anchor" }
func (ClockSkew) EntryType() string  { return "clock.skew" }
func (DNSKey) EntryType() string     { return "dns.key" }
func (AuthResult) EntryType() string { return "auth.result" }

func (x Anchor) fields(f *fields) {
	f.str("authority", x.Authority)
	f.str("checkpoint", x.Checkpoint)
	f.num("clock", x.Clock)
	f.str("gentime", x.GenTime)
	f.str("serial", x.Serial)
	f.num("size", x.Size)
	f.str("token", x.Token)
}

func (x ClockSkew) fields(f *fields) {
	f.str("authority", x.Authority)
	f.num("clock", x.Clock)
}

func (x DNSKey) fields(f *fields) {
	f.str("ad", x.AD)
	f.str("name", x.Name)
	f.list("records", x.Records)
	f.str("resolver", x.Resolver)
}

func (x AuthResult) fields(f *fields) {
	f.str("blob", x.Blob)
	f.str("state", x.State)
	f.str("why", x.Why)
	if len(x.Signatures) > 0 {
		f.objects("signatures", len(x.Signatures), func(i int, f *fields) { x.Signatures[i].fields(f) })
	}
	if x.AuthHeader != "" {
		f.str("authheader", x.AuthHeader)
		f.str("authserv", x.AuthServ)
		f.str("stated", x.Stated)
	}
}

func (x Signature) fields(f *fields) {
	f.str("a", x.Algorithm)
	f.str("c", x.Canon)
	f.str("d", x.Domain)
	f.str("h", x.Headers)
	f.num("key", x.Key)
	f.num("l", x.Length)
	f.str("s", x.Selector)
	f.str("state", x.State)
	f.num("t", x.Signed)
	f.str("uncovered", x.Uncovered)
	f.str("why", x.Why)
	f.num("x", x.Expires)
}
