package catalog

// The states of messages that the server lists and the settings leave out: for their
// date, or because they are with nobody whose mail is wanted. Reconsider makes them
// Listed again.
const (
	LeftOut   = "left out"
	NotChosen = "not chosen"
)

// LeaveOut records that listed messages are not wanted; state is LeftOut or NotChosen.
func (c *Catalog) LeaveOut(mailbox int64, uidValidity uint32, uids []uint32, state string) error {
	return c.Update(func(t *Tx) error {
		for _, u := range uids {
			if err := t.exec(`UPDATE occurrence SET state = ? WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0 AND state = 'listed'`, state, mailbox, uidValidity, u); err != nil {
				return err
			}
		}
		return nil
	})
}

// Reconsider lists what was left out of an account's mailboxes, and has each of them
// opened in the next pass.
func (c *Catalog) Reconsider(account int64) error {
	return c.Update(func(t *Tx) error {
		if err := t.exec(`UPDATE occurrence SET state = 'listed' WHERE state IN ('left out', 'not chosen') AND mailbox IN (SELECT id FROM mailbox WHERE account = ?)`, account); err != nil {
			return err
		}
		return t.exec(`UPDATE mailbox SET clean = 0 WHERE account = ?`, account)
	})
}
