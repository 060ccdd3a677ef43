package demomail

func build() []Mailbox {
	return []Mailbox{{Address: "nora@deskandco.example", Folders: []Folder{{Name: "INBOX"}}}}
}
