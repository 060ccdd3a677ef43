package catalog

// LeftOut is the state of a message that the server lists and the settings leave
// out. Reconsider makes it Listed again.
const LeftOut = "left out"

// LeaveOut records that listed messages are not wanted.
func (c *Catalog) LeaveOut(mailbox int64, uidValidity uint32, uids []uint32) error {
	return c.Update(func(t *Tx) error {
		for _, u := range uids {
			if err := t.exec(`UPDATE occurrence SET state = 'left out' WHERE mailbox = ? AND uidvalidity = ? AND uid = ? AND version = 0 AND state = 'listed'`, mailbox, uidValidity, u); err != nil {
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
		if err := t.exec(`UPDATE occurrence SET state = 'listed' WHERE state = 'left out' AND mailbox IN (SELECT id FROM mailbox WHERE account = ?)`, account); err != nil {
			return err
		}
		return t.exec(`UPDATE mailbox SET clean = 0 WHERE account = ?`, account)
	})
}
