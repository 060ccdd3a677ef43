package ledger

// Converted says that a message is no original: it was made from something in
// another form, which Original names. Whoever relies on its words relies on the
// conversion; the octets to rely on are the original's.
type Converted struct {
	Blob     string `json:"blob"`     // SHA-256 of the message
	Original string `json:"original"` // SHA-256 of what it was made from
	Size     int64  `json:"size"`     // of the original
	Form     string `json:"form"`     // "msg" or "pst"
	By       string `json:"by"`       // the program, with its version
	Path     string `json:"path"`     // where in the source
	Kept     bool   `json:"kept"`     // the original lies in the archive
}

func (Converted) EntryType() string { return "msg.converted" }

func (x Converted) fields(f *fields) {
	f.str("blob", x.Blob)
	f.str("by", x.By)
	f.str("form", x.Form)
	if x.Kept {
		f.yes("kept")
	}
	f.str("original", x.Original)
	f.str("path", x.Path)
	f.num("size", x.Size)
}
