package indexer

import (
	"context"
	"errors"
	"slices"
	"strings"

	"inwriting/indexer/archive"
	"inwriting/indexer/importer"
	"inwriting/indexer/ledger"
)

// ImportResult is what an import did.
type ImportResult struct {
	Kinds      []string        `json:"kinds"`      // what the paths turned out to be
	Messages   int             `json:"messages"`   // read from the files
	New        int             `json:"new"`        // kept now
	Duplicates int             `json:"duplicates"` // in the same folder of the vault already
	Converted  int             `json:"converted"`  // of those read, made from another form: no original octets
	Bytes      int64           `json:"bytes"`
	Skipped    []importer.Skip `json:"skipped"`
}

// Import takes the mail in files into the vault, as the account address. What a
// folder of that account holds already is not added again, so an import can be
// repeated, or finished after a break, without harm. On return everything
// accepted is durable, also when an error is returned for the rest.
func (v *Vault) Import(ctx context.Context, address string, paths []string, opt importer.Options) (ImportResult, error) {
	defer v.alone()()
	v.stores.RLock()
	defer v.stores.RUnlock()
	res := ImportResult{Kinds: []string{}, Skipped: []importer.Skip{}}
	if v.catalog == nil {
		return res, errClosed
	}
	if opt.Logger == nil {
		opt.Logger = v.log
	}
	c := v.newCommitter()
	im := &importing{v: v, c: c, address: address, folders: map[string]*importFolder{}, res: &res}
	var errs []error
	started := v.now()
	for _, p := range paths {
		r, err := importer.Run(ctx, p, v.stage, opt, im.accept)
		res.Messages += r.Messages
		res.Bytes += r.Bytes
		res.Converted += r.Converted
		res.Skipped = append(res.Skipped, r.Skipped...)
		if r.Kind != "" {
			res.Kinds = append(res.Kinds, string(r.Kind))
		}
		if err != nil {
			errs = append(errs, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	if im.account != 0 {
		fact := ledger.Import{Account: im.account, Kind: strings.Join(slices.Compact(slices.Sorted(slices.Values(res.Kinds))), " "), Messages: int64(res.New), Duplicates: int64(res.Duplicates), Skipped: int64(len(res.Skipped)),
			Started: dateText(started), Ended: dateText(v.now())}
		if err := c.add(nil, fact); err != nil {
			errs = append(errs, err)
		}
	}
	failed := c.close()
	if failed != nil && !errors.Is(errors.Join(errs...), failed) {
		errs = append(errs, failed)
	}
	if im.account != 0 {
		// Counted, not believed: a failed commit keeps less than was accepted.
		after, err := v.catalog.CountAccount(im.account)
		if err != nil {
			errs = append(errs, err)
		}
		res.New = max(0, after-im.before-im.labels)
	}
	if failed != nil {
		return res, errors.Join(errs...) // a disk that is full takes no signature either
	}
	if _, err := v.ledger.Checkpoint(); err != nil {
		errs = append(errs, err)
	}
	return res, errors.Join(errs...)
}

type importing struct {
	v       *Vault
	c       *committer
	address string
	account int64 // 0 until the first message
	before  int   // what the account held then
	labels  int   // places of messages beside their first
	folders map[string]*importFolder
	res     *ImportResult
}

type importFolder struct {
	id   int64
	next uint32
	// added in this run and perhaps not in the catalog yet
	added map[archive.Ref]bool
}

func (im *importing) accept(it importer.Item) error {
	discard := func() {
		it.Blob.Discard()
		if it.Original != nil && it.Original.Blob != nil {
			it.Original.Blob.Discard()
		}
	}
	f, err := im.folder(it.Folder)
	if err != nil {
		discard()
		return err
	}
	ref, size := it.Blob.Ref(), it.Blob.Size()
	have, err := im.has(f, ref)
	if err != nil {
		discard()
		return err
	}
	if have {
		im.res.Duplicates++
		discard()
	} else {
		// Before the message: what is a conversion is never recorded without saying so.
		if err := im.converted(it, ref); err != nil {
			it.Blob.Discard()
			return err
		}
		im.res.New++
		if err := im.c.add(it.Blob, f.seen(it, ref, size)); err != nil {
			return err
		}
	}
	for _, name := range it.Also {
		f, err := im.folder(name)
		if err != nil {
			return err
		}
		have, err := im.has(f, ref)
		if err != nil {
			return err
		}
		if have {
			continue
		}
		im.labels++
		if err := im.c.add(nil, f.seen(it, ref, size)); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether a folder holds a message.
func (im *importing) has(f *importFolder, ref archive.Ref) (bool, error) {
	if f.added[ref] {
		return true, nil
	}
	return im.v.catalog.Holds(f.id, ref)
}

// seen is the entry of a message that lies in the folder, under its next number.
func (f *importFolder) seen(it importer.Item, ref archive.Ref, size int64) ledger.MsgSeen {
	uid := f.next
	f.next++
	f.added[ref] = true
	return ledger.MsgSeen{Blob: ref.Hex(), Size: size, Mailbox: f.id, UID: uid, InternalDate: dateText(it.Date), Flags: it.Flags, Path: it.Path}
}

// converted records what a message was made from, and keeps it where the source
// gives it.
func (im *importing) converted(it importer.Item, ref archive.Ref) error {
	o := it.Original
	if o == nil {
		return nil
	}
	return im.c.add(o.Blob, ledger.Converted{Blob: ref.Hex(), Original: o.Hash, Size: o.Size, Form: o.Form, By: o.By, Path: it.Path, Kept: o.Blob != nil})
}

func (im *importing) folder(name string) (*importFolder, error) {
	if f := im.folders[name]; f != nil {
		return f, nil
	}
	if im.account == 0 {
		id, err := im.v.account(im.c, im.address, "", "import")
		if err != nil {
			return nil, err
		}
		im.account = id
		if im.before, err = im.v.catalog.CountAccount(id); err != nil {
			return nil, err
		}
	}
	m, err := im.v.mailbox(im.c, im.account, name, name, "/")
	if err != nil {
		return nil, err
	}
	next, err := im.v.catalog.NextUID(m.ID)
	if err != nil {
		return nil, err
	}
	f := &importFolder{id: m.ID, next: next, added: map[archive.Ref]bool{}}
	im.folders[name] = f
	return f, nil
}
