package imapsync

import (
	"bytes"
	"context"
	"fmt"

	"inwriting/indexer/archive"
)

// excuse is what Exchange sends as the text of a message that it cannot convert.
const excuse = "Retrieval using the IMAP4 protocol failed for the following message"

// standIn reports whether a blob is such an excuse. A short mail that quotes it is
// taken for one; nothing is lost by that, as it is kept like any.
func standIn(b *archive.Blob) bool {
	octets, ok := b.Bytes()
	return ok && len(octets) < 4<<10 && bytes.Contains(octets, []byte(excuse))
}

// expunged is what Courier sends in place of a message that another program deleted
// while it was fetched.
var expunged = []byte("From: System Administrator <root@localhost>\r\nSubject: message unavailable\r\n\r\nThis message is no longer available on the server.\r\n")

// vanished reports whether a blob is that, and not the message of this size that was
// listed.
func vanished(b *archive.Blob, listed int64) bool {
	octets, ok := b.Bytes()
	return ok && bytes.Equal(octets, expunged) && int64(len(octets)) != listed
}

func (p *pass) quarantine(ctx context.Context, r *folderRun, f Folder, uid uint32, why string) error {
	if err := f.Quarantine(ctx, uid, why); err != nil {
		return p.storing("recording a message not obtained from "+quoted(r), err)
	}
	p.event(EventQuarantined, r.info.Name, fmt.Sprintf("UID %d: %s", uid, why))
	r.gaveUp[uid] = true
	r.res.Quarantined++
	p.moved++
	return nil
}
