package ledger

// What a person decides is recorded like what was observed: who it was, and
// when. These entries hold the person's own words; of mail they too name no more
// than hashes and ids. Matters are named by a slug, statements by their id,
// messages by "sha256-" and their hash.

// MatterOpened begins a matter, says anew what it asks, or opens it again.
type MatterOpened struct {
	Matter   string `json:"matter"`
	Title    string `json:"title"`
	Question string `json:"question"`
	Client   string `json:"client"`
	By       string `json:"by"`
}

// MatterItem decides about one statement, message or exhibit of a matter.
type MatterItem struct {
	Matter   string `json:"matter"`
	Item     string `json:"item"`
	Decision string `json:"decision"` // "pinned", "excluded", or "" for neither
	Reason   string `json:"reason"`
	By       string `json:"by"`
}

// MatterExhibit is a file from outside the mail that was taken into the archive.
type MatterExhibit struct {
	Matter string `json:"matter"`
	Blob   string `json:"blob"` // SHA-256, 64 hexadecimal digits
	Size   int64  `json:"size"`
	Name   string `json:"name"`  // of the file, without its folder
	Media  string `json:"media"` // media type, as its content shows
	Note   string `json:"note"`
	By     string `json:"by"`
}

// MatterNote is a note to a matter.
type MatterNote struct {
	Matter string `json:"matter"`
	Text   string `json:"text"`
	By     string `json:"by"`
}

// MatterClosed ends a matter. Its trail can still be asked for.
type MatterClosed struct {
	Matter string `json:"matter"`
	Reason string `json:"reason"`
	By     string `json:"by"`
}

// Correction says what a person reads a statement as. What the program read is
// kept beside it.
type Correction struct {
	Statement string `json:"statement"`
	Blob      string `json:"blob"` // of its message
	Was       string `json:"was"`  // as it was read
	Kind      string `json:"kind"` // "" takes the correction back
	Note      string `json:"note"`
	By        string `json:"by"`
}

func (MatterOpened) EntryType() string  { return "matter.opened" }
func (MatterItem) EntryType() string    { return "matter.item" }
func (MatterExhibit) EntryType() string { return "matter.exhibit" }
func (MatterNote) EntryType() string    { return "matter.note" }
func (MatterClosed) EntryType() string  { return "matter.closed" }
func (Correction) EntryType() string    { return "correction" }

func (x MatterOpened) fields(f *fields) {
	f.str("by", x.By)
	f.str("client", x.Client)
	f.str("matter", x.Matter)
	f.str("question", x.Question)
	f.str("title", x.Title)
}

func (x MatterItem) fields(f *fields) {
	f.str("by", x.By)
	f.str("decision", x.Decision)
	f.str("item", x.Item)
	f.str("matter", x.Matter)
	f.str("reason", x.Reason)
}

func (x MatterExhibit) fields(f *fields) {
	f.str("blob", x.Blob)
	f.str("by", x.By)
	f.str("matter", x.Matter)
	f.str("media", x.Media)
	f.str("name", x.Name)
	f.str("note", x.Note)
	f.num("size", x.Size)
}

func (x MatterNote) fields(f *fields) {
	f.str("by", x.By)
	f.str("matter", x.Matter)
	f.str("text", x.Text)
}

func (x MatterClosed) fields(f *fields) {
	f.str("by", x.By)
	f.str("matter", x.Matter)
	f.str("reason", x.Reason)
}

func (x Correction) fields(f *fields) {
	f.str("blob", x.Blob)
	f.str("by", x.By)
	f.str("kind", x.Kind)
	f.str("note", x.Note)
	f.str("statement", x.Statement)
	f.str("was", x.Was)
}
