// Package secret keeps passwords and tokens where they belong: in the system's
// keyring, or, where there is none, in a file that is encrypted with age. What
// systemd hands to a service is read, never written.
//
// The encrypted file protects its copies, such as a backup or a synchronised
// folder, as long as its key is not among them. It does not protect from somebody
// who can read the files of this user here and now; nothing could that lets a
// daemon start by itself.
package secret

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"filippo.io/age"
	"github.com/zalando/go-keyring"

	"inwriting/indexer/durable"
)

// ErrNotFound means that a store holds no secret under a name.
var ErrNotFound = errors.New("no such secret")

// ErrNoKeyring means that this machine has no keyring that answers.
var ErrNoKeyring = errors.New("no system keyring answers")

// Store keeps secrets by name. It may be used by several goroutines, and by
// several processes, at once. No error holds a secret.
type Store interface {
	// Get returns a secret; ErrNotFound when there is none.
	Get(ctx context.Context, name string) (string, error)
	// Set keeps a secret in the place of what was there, durable on return.
	Set(ctx context.Context, name, value string) error
	// Delete forgets a secret; one that is not there is no error.
	Delete(ctx context.Context, name string) error
}

// Service is the name under which secrets lie in the system's keyring.
const Service = "inwriting"

// Keyring is the system's keyring.
type Keyring struct{}

// keyringTime is how long the keyring may take: it may ask a person to unlock it.
const keyringTime = 60 * time.Second

// ask calls the keyring, which knows no context, and leaves it behind when ctx ends.
func ask[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, keyringTime)
	defer cancel()
	type answer struct {
		v   T
		err error
	}
	c := make(chan answer, 1)
	go func() {
		v, err := fn()
		c <- answer{v, err}
	}()
	select {
	case a := <-c:
		return a.v, a.err
	case <-ctx.Done():
		var none T
		return none, fmt.Errorf("%w: %w", ErrNoKeyring, ctx.Err())
	}
}

// Get implements Store.
func (Keyring) Get(ctx context.Context, name string) (string, error) {
	v, err := ask(ctx, func() (string, error) { return keyring.Get(Service, name) })
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		return "", fmt.Errorf("%w in the system keyring for service %q, user %q", ErrNotFound, Service, name)
	case err != nil && !errors.Is(err, ErrNoKeyring):
		return "", fmt.Errorf("%w: %w", ErrNoKeyring, err)
	}
	return v, err
}

// Set implements Store.
func (Keyring) Set(ctx context.Context, name, value string) error {
	_, err := ask(ctx, func() (struct{}, error) { return struct{}{}, keyring.Set(Service, name, value) })
	switch {
	case errors.Is(err, keyring.ErrSetDataTooBig):
		return errors.New("writing to the system keyring: the secret is too long for it")
	case err != nil:
		return fmt.Errorf("writing to the system keyring: %w", err)
	}
	return nil
}

// Delete implements Store.
func (Keyring) Delete(ctx context.Context, name string) error {
	_, err := ask(ctx, func() (struct{}, error) { return struct{}{}, keyring.Delete(Service, name) })
	if err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return fmt.Errorf("deleting from the system keyring: %w", err)
	}
	return nil
}

// Works reports whether the keyring answers, by asking for what is not there.
func (k Keyring) Works(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := k.Get(ctx, "inwriting is asking whether there is a keyring")
	return err == nil || errors.Is(err, ErrNotFound)
}

// Sealed is an encrypted file: Dir/secrets.age, a JSON object of names and
// secrets, encrypted with age to the X25519 key in Dir/secrets.key. The key may
// lie elsewhere, as Key says: a systemd credential, a stick, a path that no backup
// takes.
type Sealed struct {
	Dir string
	Key string // path of the key; "" is Dir/secrets.key
}

func (s Sealed) file() string { return filepath.Join(s.Dir, "secrets.age") }

func (s Sealed) keyFile() string {
	if s.Key != "" {
		return s.Key
	}
	return filepath.Join(s.Dir, "secrets.key")
}

// sealing is held while the file is read and written again; other processes are
// kept out by a lock file.
var sealing sync.Mutex

// identity reads the key; where there is none it makes one, if it may.
func (s Sealed) identity(make bool) (*age.X25519Identity, error) {
	path := s.keyFile()
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && make && s.Key == "" {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			return nil, err
		}
		return id, durable.WriteFile(path, []byte(id.String()+"\n"), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key of sealed secrets: %w", err)
	}
	if runtime.GOOS != "windows" && fi.Mode().Perm()&0o004 != 0 {
		return nil, fmt.Errorf("reading the key of sealed secrets %q: everybody on this machine can read it: chmod 600 %q: %w", path, path, fs.ErrPermission)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the key of sealed secrets: %w", err)
	}
	ids, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil || len(ids) == 0 { // its text may repeat the key
		return nil, fmt.Errorf("reading the key of sealed secrets %q: it is no age key", path)
	}
	id, ok := ids[0].(*age.X25519Identity)
	if !ok {
		return nil, fmt.Errorf("reading the key of sealed secrets %q: it is no X25519 key", path)
	}
	return id, nil
}

func (s Sealed) open(id age.Identity) (map[string]string, error) {
	all := map[string]string{}
	f, err := os.Open(s.file())
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading sealed secrets: %w", err)
	}
	defer f.Close()
	r, err := age.Decrypt(f, id)
	if err != nil {
		return nil, fmt.Errorf("opening sealed secrets %q with the key %q: %w", s.file(), s.keyFile(), err)
	}
	b, err := io.ReadAll(io.LimitReader(r, 16<<20))
	if err != nil {
		return nil, fmt.Errorf("opening sealed secrets %q: %w", s.file(), err)
	}
	if json.Unmarshal(b, &all) != nil { // its text may repeat what it holds
		return nil, fmt.Errorf("opening sealed secrets %q: they are not what inwriting writes", s.file())
	}
	return all, nil
}

// Get implements Store.
func (s Sealed) Get(_ context.Context, name string) (string, error) {
	if _, err := os.Stat(s.file()); errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: there is no %q", ErrNotFound, s.file())
	}
	id, err := s.identity(false)
	if err != nil {
		return "", err
	}
	all, err := s.open(id)
	if err != nil {
		return "", err
	}
	v, ok := all[name]
	if !ok {
		return "", fmt.Errorf("%w in %q for %q", ErrNotFound, s.file(), name)
	}
	return v, nil
}

// Set implements Store.
func (s Sealed) Set(ctx context.Context, name, value string) error {
	return s.update(ctx, func(all map[string]string) { all[name] = value })
}

// Delete implements Store.
func (s Sealed) Delete(ctx context.Context, name string) error {
	if _, err := os.Stat(s.file()); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.update(ctx, func(all map[string]string) { delete(all, name) })
}

func (s Sealed) update(ctx context.Context, fn func(map[string]string)) error {
	sealing.Lock()
	defer sealing.Unlock()
	if err := durable.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("writing sealed secrets: %w", err)
	}
	unlock, err := s.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	id, err := s.identity(true)
	if err != nil {
		return err
	}
	all, err := s.open(id)
	if err != nil {
		return err
	}
	fn(all)
	plain, err := json.Marshal(all)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	w, err := age.Encrypt(&b, id.Recipient())
	if err == nil {
		if _, err = w.Write(plain); err == nil {
			err = w.Close()
		}
	}
	if err == nil {
		err = durable.WriteFile(s.file(), b.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing sealed secrets: %w", err)
	}
	return nil
}

// lockTime is for how long another process may hold the file. Whoever was killed
// with it leaves a lock that is older.
const lockTime = 10 * time.Second

func (s Sealed) lock(ctx context.Context) (unlock func(), err error) {
	path := s.file() + ".lock"
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			f.Close()
			return func() { os.Remove(path) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("writing sealed secrets: %w", err)
		}
		if fi, err := os.Stat(path); err == nil && time.Since(fi.ModTime()) > lockTime {
			os.Remove(path)
			continue
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Credential reads what systemd hands to a service under that name
// (LoadCredential=, SetCredentialEncrypted=): the first line of a file in dir,
// which is the value of $CREDENTIALS_DIRECTORY.
func Credential(dir, name string) (string, error) {
	if dir == "" {
		return "", fmt.Errorf("%w: CREDENTIALS_DIRECTORY is not set; systemd sets it for a service with LoadCredential=%s:…", ErrNotFound, name)
	}
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return "", fmt.Errorf("%q is not the name of a credential", name)
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%w: systemd hands over no credential %q", ErrNotFound, name)
	}
	if err != nil {
		return "", fmt.Errorf("reading credential: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return string(bytes.TrimSuffix(line, []byte("\r"))), nil
}
