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
