package indexer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/dkim"
	"inwriting/indexer/ledger"
	"inwriting/indexer/ledger/anchor"
)

// Attest says whom a vault may ask what it cannot know by itself. The zero value
// asks nobody: nothing leaves the machine.
type Attest struct {
	Lookup      dkim.Lookup // keys of signatures; nil: name servers are not asked
	Receivers   []string    // whose Authentication-Results count, see dkim.Options
	Authorities []anchor.Authority
	Client      *http.Client // for authorities; nil: http.DefaultClient
}

// Attested is what one Attest came to.
type Attested struct {
	Checked  int       `json:"checked"` // messages whose signatures were looked at
	Verified int       `json:"verified"`
	Failed   int       `json:"failed"`
	Stamps   []Stamped `json:"stamps"`
}

// Stamped is one authority's answer.
type Stamped struct {
	Authority string    `json:"authority"`
	Size      int64     `json:"size"`          // entries under it
	Time      time.Time `json:"time,omitzero"` // as the authority says
	Error     string    `json:"error,omitempty"`
}

// attest is what Attest remembers between passes.
type attest struct {
	mu      sync.Mutex
	stamped map[string]stampTime // by authority
}

type stampTime struct {
	size    int64
	at      time.Time // by our clock, when it was made
	expires time.Time // of its certificates
	tried   time.Time // asked last, with whatever outcome
}

// Attest records what the signatures of messages that are new say, and has the
// ledger time-stamped, as far as the vault's options allow. It is not part of
// collecting: what it asks may be slow, fail or not be there, and is then in the
// result and asked again next time; the error is the vault's own. Stamps are asked
// for once an hour at most, and at once with now. progress, which may be nil, tells of
// the messages looked at.
func (v *Vault) Attest(ctx context.Context, now bool, progress func(ReadProgress)) (Attested, error) {
	v.attest.mu.Lock()
	defer v.attest.mu.Unlock()
	r := Attested{Stamps: []Stamped{}}
	if err := v.recordAsked(); err != nil {
		return r, fmt.Errorf("recording whom to ask: %w", err)
	}
	if v.asking().Lookup != nil {
		if err := v.lookAtSignatures(ctx, &r, progress); err != nil {
			return r, fmt.Errorf("recording signatures: %w", err)
		}
	}
	if len(v.asking().Authorities) > 0 {
		if err := v.stamp(ctx, now, &r); err != nil {
			return r, fmt.Errorf("recording time stamps: %w", err)
		}
	}
	return r, nil
}

// settings are those of a that bear on what is recorded, in the words of the
// configuration; "" is what holds without it.
func (a *Attest) settings() map[string]string {
	dkim := ""
	if a.Lookup != nil {
		dkim = "true"
	}
	var authorities []string
	for _, x := range a.Authorities {
		authorities = append(authorities, x.Name+" "+x.URL)
	}
	return map[string]string{"dkim": dkim, "receivers": strings.Join(a.Receivers, ", "), "timestamp": strings.Join(authorities, ", ")}
}

// recordAsked records it when somebody else may be asked than before.
func (v *Vault) recordAsked() error {
	now := v.asking().settings()
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, err := v.setting(name)
		if err == nil && was != now[name] {
			err = v.Note(ledger.Config{Setting: name, Old: was, New: now[name]})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (v *Vault) setting(name string) (string, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return "", errClosed
	}
	return v.catalog.Setting(name)
}

// SetAttest changes whom the vault may ask; a pass under way goes on as it began.
func (v *Vault) SetAttest(a Attest) { v.asks.Store(&a) }

func (v *Vault) asking() *Attest { return v.asks.Load() }

// Asks reports whether name servers may be asked for the keys of signatures.
func (v *Vault) Asks() bool { return v.asking().Lookup != nil }

// Stamps reports whether an authority may be asked for the time.
func (v *Vault) Stamps() bool { return len(v.asking().Authorities) > 0 }

const (
	attestBatch = 200
	lookupTime  = 10 * time.Second
	// For so long a message waits for a name server that does not answer.
	lookupPatience = 72 * time.Hour
)

func (v *Vault) lookAtSignatures(ctx context.Context, r *Attested, progress func(ReadProgress)) error {
	look := &looking{keys: &keyCache{ask: v.asking().Lookup, got: map[string]*keyAnswer{}}}
	p := ReadProgress{}
	for more := true; more; {
		// Each batch by itself: whoever wants the vault alone need not wait for all.
		c, err := v.join()
		if err != nil {
			return err
		}
		before := r.Checked
		more, err = v.lookAtBatch(ctx, c, look, r)
		if err = errors.Join(err, v.leave(c)); err != nil {
			return err
		}
		if r.Checked > before {
			if err := v.Sign(); err != nil {
				return err
			}
		}
		if p.Done, p.Total = look.done, look.total; progress != nil && p.Done > 0 {
			progress(p)
		}
	}
	return nil
}

// looking is how far a pass has come.
type looking struct {
	keys        *keyCache
	at          int64 // the last blob looked at
	done, total int
}

func (v *Vault) lookAtBatch(ctx context.Context, c *committer, look *looking, r *Attested) (more bool, err error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.catalog == nil {
		return false, errClosed
	}
	if look.at == 0 {
		if look.total, err = v.catalog.CountUnattested(); err != nil {
			return false, err
		}
	}
	blobs, err := v.catalog.Unattested(look.at, attestBatch)
	if err != nil || len(blobs) == 0 {
		return false, err
	}
	results, err := v.lookAt(ctx, blobs, look.keys)
	if err != nil {
		return false, err
	}
	if err := v.keepKeys(c, results); err != nil {
		return false, err
	}
	for i, res := range results {
		if res.Unanswered && v.now().Sub(blobs[i].Seen) < lookupPatience {
			continue // asked again with the next pass
		}
		fact, err := v.authResult(blobs[i].Ref, res)
		if err == nil {
			err = c.add(nil, fact)
		}
		if err != nil {
			return false, err
		}
		r.Checked++
		switch res.State {
		case dkim.Verified:
			r.Verified++
		case dkim.Failed:
			r.Failed++
		}
	}
	if err := c.flush(); err != nil {
		return false, err
	}
	look.at, look.done = blobs[len(blobs)-1].ID, look.done+len(blobs)
	return true, nil
}

// lookAt checks blobs side by side: what takes time is the name servers' answers.
func (v *Vault) lookAt(ctx context.Context, blobs []catalog.Blob, keys *keyCache) ([]dkim.Result, error) {
	out := make([]dkim.Result, len(blobs))
	errs := make([]error, len(blobs))
	slots := make(chan struct{}, 8*runtime.GOMAXPROCS(0))
	var wg sync.WaitGroup
	for i, b := range blobs {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i], errs[i] = v.lookAtOne(ctx, b, keys)
		})
	}
	wg.Wait()
	return out, errors.Join(errs...)
}

func (v *Vault) lookAtOne(ctx context.Context, b catalog.Blob, keys *keyCache) (dkim.Result, error) {
	body, _, err := v.archive.OpenAt(b.Ref, b.Place)
	if err == nil {
		defer body.Close()
		var r dkim.Result
		r, err = dkim.Check(ctx, body, dkim.Options{Lookup: keys.lookup, At: v.now(), Receivers: v.asking().Receivers})
		if err == nil {
			return r, nil
		}
	}
	if errors.Is(err, archive.ErrAltered) {
		// Verify reports it; of what is not the message any more nothing is said.
		return dkim.Result{State: dkim.NotChecked, Why: "its octets are not those that were sealed"}, nil
	}
	return dkim.Result{}, err
}

// keyCache asks once for each key in a pass.
type keyCache struct {
	ask dkim.Lookup
	mu  sync.Mutex
	got map[string]*keyAnswer
}

type keyAnswer struct {
	once sync.Once
	rec  dkim.Record
	err  error
}

func (k *keyCache) lookup(ctx context.Context, name string) (dkim.Record, error) {
	k.mu.Lock()
	a := k.got[name]
	if a == nil {
		a = new(keyAnswer)
		k.got[name] = a
	}
	k.mu.Unlock()
	a.once.Do(func() {
		ctx, cancel := context.WithTimeout(ctx, lookupTime)
		defer cancel()
		a.rec, a.err = k.ask(ctx, name)
	})
	return a.rec, a.err
}

// keepKeys records the key records that are not in the ledger as they are.
func (v *Vault) keepKeys(c *committer, results []dkim.Result) error {
	added := map[string]bool{}
	for _, r := range results {
		for _, s := range r.Signatures {
			if s.Key.Texts == nil || added[s.Key.Name] {
				continue
			}
			have, _, err := v.catalog.DNSKey(s.Key.Name)
			if err == nil && slices.Equal(have, s.Key.Texts) {
				continue
			}
			if err != nil && !errors.Is(err, catalog.ErrNotFound) {
				return err
			}
			added[s.Key.Name] = true
			if err := c.add(nil, ledger.DNSKey{Name: s.Key.Name, Records: s.Key.Texts, Resolver: s.Key.Resolver, AD: s.Key.AD}); err != nil {
				return err
			}
		}
	}
	if len(added) == 0 {
		return nil
	}
	return c.flush()
}

func (v *Vault) authResult(ref archive.Ref, r dkim.Result) (ledger.AuthResult, error) {
	x := ledger.AuthResult{Blob: ref.Hex(), State: string(r.State), Why: shorten(r.Why, 300)}
	if s := r.Statement; s != nil {
		x.AuthServ, x.AuthHeader, x.Stated = shorten(s.Server, 200), s.Header, shorten(s.Results, 300)
	}
	for _, s := range r.Signatures {
		l := ledger.Signature{Domain: shorten(s.Domain, 255), Selector: shorten(s.Selector, 255), Algorithm: shorten(s.Algorithm, 40), Canon: shorten(s.Canon, 40),
			Headers: shorten(strings.Join(s.Headers, ":"), 2000), Uncovered: shorten(strings.Join(s.Uncovered, ", "), 500), Length: s.Length, State: string(s.State), Why: shorten(s.Why, 300), Key: -1}
		if !s.Signed.IsZero() {
			l.Signed = s.Signed.Unix()
		}
		if !s.Expires.IsZero() {
			l.Expires = s.Expires.Unix()
		}
		if s.Key.Texts != nil {
			_, entry, err := v.catalog.DNSKey(s.Key.Name)
			if err != nil {
				return x, fmt.Errorf("key %q: %w", s.Key.Name, err)
			}
			l.Key = entry
		}
		x.Signatures = append(x.Signatures, l)
	}
	return x, nil
}

const (
	stampEvery = time.Hour
	stampWait  = 20 * time.Second
	// A stamp is renewed by a later one, whether or not anything was added.
	renewAge    = 365 * 24 * time.Hour
	renewBefore = 90 * 24 * time.Hour // the end of its certificates
	// Our clock and an authority's may be so far apart.
	clockSkew = 5 * time.Second
)

func (v *Vault) stamp(ctx context.Context, force bool, r *Attested) error {
	if err := v.loadStamps(); err != nil {
		return err
	}
	due, err := v.dueStamps(force)
	if err != nil || len(due) == 0 {
		return err
	}
	v.stores.RLock()
	if v.ledger == nil {
		v.stores.RUnlock()
		return errClosed
	}
	cp, err := v.ledger.Checkpoint()
	v.stores.RUnlock()
	if err != nil {
		return err
	}
	for _, a := range due {
		st := v.attest.stamped[a.Name]
		st.tried = v.now()
		v.attest.stamped[a.Name] = st
		out := Stamped{Authority: a.Name, Size: cp.Size}
		s, clock, err := v.askForStamp(ctx, a, cp.Note)
		if err != nil {
			// An authority that fails stops nothing.
			v.log.Warn("no time stamp", "authority", a.Name, "err", err)
			out.Error = err.Error()
			r.Stamps = append(r.Stamps, out)
			continue
		}
		out.Time = s.Time
		r.Stamps = append(r.Stamps, out)
		if err := v.keepStamp(a.Name, cp, s, clock); err != nil {
			return err
		}
		v.attest.stamped[a.Name] = stampTime{size: cp.Size, at: st.tried, expires: s.Expires(), tried: st.tried}
	}
	return nil
}

func (v *Vault) askForStamp(ctx context.Context, a anchor.Authority, file []byte) (s *anchor.Stamp, clock time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, stampWait)
	defer cancel()
	before := v.now()
	if s, err = a.Stamp(ctx, v.asking().Client, file); err != nil {
		return nil, 0, err
	}
	// It was stamped at some time between question and answer.
	after := v.now()
	switch {
	case before.After(s.Time):
		clock = before.Sub(s.Time)
	case after.Before(s.Time):
		clock = after.Sub(s.Time)
	}
	return s, clock, nil
}

// keepStamp: the token is on the disk before the ledger names it.
func (v *Vault) keepStamp(name string, cp ledger.Checkpoint, s *anchor.Stamp, clock time.Duration) error {
	v.stores.RLock()
	if v.ledger == nil {
		v.stores.RUnlock()
		return errClosed
	}
	err := v.ledger.KeepAnchor(ledger.Anchored{Size: cp.Size, Authority: name, Checkpoint: cp.Note, Token: s.Response, Chain: s.PEM()})
	v.stores.RUnlock()
	if err != nil {
		return err
	}
	file, token := sha256.Sum256(cp.Note), sha256.Sum256(s.Response)
	err = v.Note(ledger.Anchor{Authority: name, Size: cp.Size, Checkpoint: hex.EncodeToString(file[:]), Token: hex.EncodeToString(token[:]),
		GenTime: s.Time.Format(time.RFC3339Nano), Serial: s.Serial, Clock: clock.Milliseconds()})
	if err == nil && clock.Abs() > clockSkew {
		err = v.Note(ledger.ClockSkew{Authority: name, Clock: clock.Milliseconds()})
	}
	if err != nil {
		return err
	}
	return v.Sign()
}

// loadStamps reads once what was stamped before this run.
func (v *Vault) loadStamps() error {
	if v.attest.stamped != nil {
		return nil
	}
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.ledger == nil {
		return errClosed
	}
	kept, err := v.ledger.Anchors()
	if err != nil {
		return err
	}
	m := map[string]stampTime{}
	for _, k := range kept {
		s, err := anchor.Read(k.Token, k.Checkpoint, k.Chain)
		if err != nil {
			v.log.Warn("a kept time stamp does not hold", "authority", k.Authority, "entries", k.Size, "err", err)
			continue
		}
		m[k.Authority] = stampTime{size: k.Size, at: s.Time, expires: s.Expires(), tried: s.Time}
	}
	v.attest.stamped = m
	return nil
}

// dueStamps returns the authorities that are to be asked now.
func (v *Vault) dueStamps(force bool) ([]anchor.Authority, error) {
	var due []anchor.Authority
	for _, a := range v.asking().Authorities {
		st, now := v.attest.stamped[a.Name], v.now()
		if !force && now.Sub(st.tried).Abs() < stampEvery {
			continue
		}
		renew := st.size > 0 && (now.Sub(st.at) > renewAge || st.expires.Sub(now) < renewBefore && now.Sub(st.at) > renewBefore/3)
		fresh, err := v.freshEntries(st.size)
		if err != nil {
			return nil, err
		}
		if fresh || renew {
			due = append(due, a)
		}
	}
	return due, nil
}

// freshEntries reports whether the ledger holds more behind size than the marks
// that stamping itself leaves.
func (v *Vault) freshEntries(size int64) (bool, error) {
	v.stores.RLock()
	defer v.stores.RUnlock()
	if v.ledger == nil {
		return false, errClosed
	}
	found := errors.New("found")
	err := v.ledger.Entries(size, func(_ int64, line []byte) error {
		e, err := ledger.Decode(line)
		if err != nil {
			return err
		}
		switch e.Fact.(type) {
		case ledger.Anchor, ledger.ClockSkew:
			return nil
		}
		return found
	})
	if errors.Is(err, found) {
		return true, nil
	}
	return false, err
}
