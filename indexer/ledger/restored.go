package ledger

// Restored says that a message whose octets in the archive were damaged was fetched
// again, with the octets that were sealed.
type Restored struct {
	Blob        string `json:"blob"`
	Mailbox     int64  `json:"mailbox"`
	UIDValidity uint32 `json:"uidvalidity"`
	UID         uint32 `json:"uid"`
}

func (Restored) EntryType() string { return "msg.restored" }

func (x Restored) fields(f *fields) {
	f.str("blob", x.Blob)
	f.num("mailbox", x.Mailbox)
	f.num("uid", int64(x.UID))
	f.num("uidvalidity", int64(x.UIDValidity))
}
