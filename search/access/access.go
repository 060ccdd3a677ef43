// Package access is who may ask: people with a password and programs with a token,
// each with a role and, if wished, with some clients only.
//
//	access.json   {"people":[{"name":…,"role":…,"clients":[…],"password":"$argon2id$…"}],"tokens":[…]}, 0600
//
// Passwords are kept as argon2id hashes, tokens as SHA-256. Sessions live in
// memory and end with the daemon. Where nobody is listed nobody has to sign in;
// that is only right on loopback, which whoever serves must see to.
package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"inwriting/indexer/durable"
)

// Role says what somebody may do.
type Role string

// Owners do everything. Reviewers read and export, and change nothing.
const (
	Owner    Role = "owner"
	Reviewer Role = "reviewer"
)

// Scope is what a token is for.
type Scope string

// A token with Read asks questions, with Export it also takes bundles, with
// Metrics it reads /metrics and nothing else.
const (
	Read    Scope = "read"
	Export  Scope = "export"
	Metrics Scope = "metrics"
)

// Scopes are all of them.
var Scopes = []Scope{Read, Export, Metrics}

var (
	// ErrRefused: the name or the password is wrong; which of them is not said.
	ErrRefused = errors.New("name or password is not right")
	// ErrTooMany: too many wrong passwords.
	ErrTooMany = errors.New("too many wrong passwords; wait a quarter of an hour")
	// ErrExists: the name is taken.
	ErrExists = errors.New("there is somebody of this name already")
	// ErrUnknown: nobody has this name.
	ErrUnknown = errors.New("there is nobody of this name")
	// ErrWeak: the password is too short.
	ErrWeak = errors.New("a password has at least 10 characters")
	// ErrName: not a name.
	ErrName = errors.New("a name has 1 to 64 letters, digits, or any of . _ @ -")
	// ErrLast: somebody has to be owner.
	ErrLast = errors.New("this is the last owner; remove the others first, or add another owner")
)

// Person is somebody, or a program with a token, who asks.
type Person struct {
	Name    string   `json:"name"`
	Role    Role     `json:"role"`
	Clients []string `json:"clients,omitempty"` // none: all of them
	Token   bool     `json:"-"`
	Scopes  []Scope  `json:"-"` // of a token
}

// May reports whether a person has a scope. People have all but metrics, which
// owners have.
func (p *Person) May(s Scope) bool {
	if p.Token {
		return slices.Contains(p.Scopes, s) || s == Read && slices.Contains(p.Scopes, Export)
	}
	return s != Metrics || p.Role == Owner
}

type person struct {
	Person
	Password string `json:"password"`
}

// Token is a program's key, without the key.
type Token struct {
	Name    string    `json:"name"`
	SHA256  string    `json:"sha256"`
	Scopes  []Scope   `json:"scopes"`
	Clients []string  `json:"clients,omitempty"`
	Made    time.Time `json:"made"`
}

type file struct {
	People []person `json:"people"`
	Tokens []Token  `json:"tokens"`
}

// Book is the list of those who may ask, kept in a file. It is safe for concurrent
// use; a change is durable on return.
type Book struct {
	path string
	now  func() time.Time

	mu       sync.Mutex
	list     file
	read     time.Time // the file's, when it was read
	sessions map[string]session
	wrong    map[string][]time.Time // by name and by address
	hashing  chan struct{}          // each takes memory
	memory   uint32                 // KiB for a password; less in tests
}

type session struct {
	name       string
	made, seen time.Time
}

const (
	// A session ends a week after it began, and after a day without a request.
	sessionLife = 7 * 24 * time.Hour
	sessionIdle = 24 * time.Hour
	// Wrong passwords that are let pass in a window, by name and by address.
	wrongWindow  = 15 * time.Minute
	wrongName    = 8
	wrongAddress = 20
)

// Open opens the book at path, which need not exist.
func Open(path string) (*Book, error) {
	b := &Book{path: path, now: time.Now, sessions: map[string]session{}, wrong: map[string][]time.Time{}, hashing: make(chan struct{}, 2), memory: memory}
	return b, b.load()
}

// load reads the file when it changed: other processes add people to it.
func (b *Book) load() error {
	fi, err := os.Stat(b.path)
	if errors.Is(err, os.ErrNotExist) {
		b.list, b.read = file{}, time.Time{}
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading who may sign in: %w", err)
	}
	if fi.ModTime().Equal(b.read) {
		return nil
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("reading who may sign in: %q can be read by others; chmod 600 it", b.path)
	}
	raw, err := os.ReadFile(b.path)
	if err != nil {
		return fmt.Errorf("reading who may sign in: %w", err)
	}
	var f file
	if err := json.Unmarshal(raw, &f); err != nil {
		return fmt.Errorf("reading who may sign in from %q: %w", b.path, err)
	}
	b.list, b.read = f, fi.ModTime()
	for id, s := range b.sessions { // who was removed is out
		if b.find(s.name) == nil {
			delete(b.sessions, id)
		}
	}
	return nil
}

func (b *Book) save(f file) error {
	raw, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := durable.WriteFile(b.path, append(raw, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing who may sign in: %w", err)
	}
	b.read = time.Time{}
	return b.load()
}

func (b *Book) find(name string) *person {
	for i := range b.list.People {
		if strings.EqualFold(b.list.People[i].Name, name) {
			return &b.list.People[i]
		}
	}
	return nil
}

// People lists those who may sign in.
func (b *Book) People() ([]Person, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return nil, err
	}
	out := make([]Person, len(b.list.People))
	for i, p := range b.list.People {
		out[i] = p.Person
	}
	return out, nil
}

// Needed reports whether anybody has to sign in. A book that cannot be read
// shuts everybody out.
func (b *Book) Needed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.load() != nil || len(b.list.People) > 0
}

// Add adds somebody.
func (b *Book) Add(p Person, password string) error {
	if !validName(p.Name) {
		return ErrName
	}
	if p.Role != Owner && p.Role != Reviewer {
		return fmt.Errorf("role %q: want owner or reviewer", p.Role)
	}
	if utf8.RuneCountInString(password) < 10 {
		return ErrWeak
	}
	hash := b.hash(password)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return err
	}
	if b.find(p.Name) != nil {
		return fmt.Errorf("%q: %w", p.Name, ErrExists)
	}
	f := b.list
	f.People = append(slices.Clone(f.People), person{Person: p, Password: hash})
	return b.save(f)
}

// Remove removes somebody; their sessions end.
func (b *Book) Remove(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return err
	}
	p := b.find(name)
	if p == nil {
		return fmt.Errorf("%q: %w", name, ErrUnknown)
	}
	owners := 0
	for _, x := range b.list.People {
		if x.Role == Owner {
			owners++
		}
	}
	if p.Role == Owner && owners == 1 && len(b.list.People) > 1 {
		return fmt.Errorf("%q: %w", name, ErrLast)
	}
	f := b.list
	f.People = slices.DeleteFunc(slices.Clone(f.People), func(x person) bool { return strings.EqualFold(x.Name, name) })
	return b.save(f)
}

func validName(s string) bool {
	if s == "" || utf8.RuneCountInString(s) > 64 {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._@-", r)
	})
}

// SignIn checks a password and begins a session, whose secret it returns. from is
// the address that asks: too many wrong passwords from one, or for one name, are
// ErrTooMany for a while.
func (b *Book) SignIn(name, password, from string) (string, error) {
	keys := []string{"name " + strings.ToLower(name), "from " + from}
	b.mu.Lock()
	if err := b.load(); err != nil {
		b.mu.Unlock()
		return "", err
	}
	for i, k := range keys {
		b.wrong[k] = slices.DeleteFunc(b.wrong[k], func(t time.Time) bool { return b.now().Sub(t) > wrongWindow })
		if len(b.wrong[k]) >= []int{wrongName, wrongAddress}[i] {
			b.mu.Unlock()
			return "", ErrTooMany
		}
	}
	// Counted before it is checked, so that many at once are counted, too.
	for _, k := range keys {
		b.wrong[k] = append(b.wrong[k], b.now())
	}
	if len(b.wrong) > 10_000 { // names are made up faster than windows end
		clear(b.wrong)
	}
	hash := b.nobody()
	p := b.find(name)
	if p != nil {
		hash = p.Password
		name = p.Name
	}
	b.mu.Unlock()
	ok := b.check(hash, password) // a name that nobody has takes the same time
	b.mu.Lock()
	defer b.mu.Unlock()
	if p == nil || !ok {
		return "", ErrRefused
	}
	delete(b.wrong, keys[0])
	secret := random()
	for id, s := range b.sessions {
		if b.over(s) {
			delete(b.sessions, id)
		}
	}
	b.sessions[digest(secret)] = session{name, b.now(), b.now()}
	return secret, nil
}

func (b *Book) over(s session) bool {
	return b.now().Sub(s.made) > sessionLife || b.now().Sub(s.seen) > sessionIdle
}

// Session returns whose session a secret is; nil when it is none.
func (b *Book) Session(secret string) *Person {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.load() != nil {
		return nil
	}
	id := digest(secret)
	s, ok := b.sessions[id]
	if !ok || b.over(s) {
		delete(b.sessions, id)
		return nil
	}
	p := b.find(s.name)
	if p == nil {
		return nil
	}
	s.seen = b.now()
	b.sessions[id] = s
	out := p.Person
	return &out
}

// SignOut ends a session.
func (b *Book) SignOut(secret string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.sessions, digest(secret))
}

// tokenPrefix makes a token known for what it is, to people and to scanners.
const tokenPrefix = "inw_"

// AddToken makes a token and returns its secret, which is not kept.
func (b *Book) AddToken(name string, scopes []Scope, clients []string) (string, error) {
	if !validName(name) {
		return "", ErrName
	}
	if len(scopes) == 0 {
		return "", errors.New("a token needs a scope: read, export or metrics")
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes, s) {
			return "", fmt.Errorf("scope %q: want read, export or metrics", s)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return "", err
	}
	if slices.ContainsFunc(b.list.Tokens, func(t Token) bool { return strings.EqualFold(t.Name, name) }) {
		return "", fmt.Errorf("%q: %w", name, ErrExists)
	}
	secret := tokenPrefix + random()
	f := b.list
	f.Tokens = append(slices.Clone(f.Tokens), Token{name, digest(secret), scopes, clients, b.now().UTC().Truncate(time.Second)})
	return secret, b.save(f)
}

// Tokens lists the tokens.
func (b *Book) Tokens() ([]Token, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.list.Tokens), b.load()
}

// RemoveToken ends a token.
func (b *Book) RemoveToken(name string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.load(); err != nil {
		return err
	}
	f := b.list
	f.Tokens = slices.DeleteFunc(slices.Clone(f.Tokens), func(t Token) bool { return strings.EqualFold(t.Name, name) })
	if len(f.Tokens) == len(b.list.Tokens) {
		return fmt.Errorf("%q: %w", name, ErrUnknown)
	}
	return b.save(f)
}

// Bearer returns whom a token stands for; nil when it is none.
func (b *Book) Bearer(secret string) *Person {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.HasPrefix(secret, tokenPrefix) || b.load() != nil {
		return nil
	}
	id := digest(secret)
	for _, t := range b.list.Tokens {
		if subtle.ConstantTimeCompare([]byte(t.SHA256), []byte(id)) == 1 {
			return &Person{Name: t.Name, Role: Reviewer, Clients: t.Clients, Token: true, Scopes: t.Scopes}
		}
	}
	return nil
}

func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// The cost of a password: argon2id, 64 MiB, 3 passes (RFC 9106 section 4, second
// choice, with one lane: two cores are shared with the mail).
const (
	memory = 64 * 1024
	passes = 3
	lanes  = 1
)

func (b *Book) hash(password string) string {
	var salt [16]byte
	_, _ = rand.Read(salt[:])
	return encode(b.memory, salt[:], b.derive(password, salt[:]))
}

func (b *Book) derive(password string, salt []byte) []byte {
	b.hashing <- struct{}{}
	defer func() { <-b.hashing }()
	return argon2.IDKey([]byte(password), salt, passes, b.memory, lanes, 32)
}

func encode(memory uint32, salt, key []byte) string {
	e := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memory, passes, lanes, e.EncodeToString(salt), e.EncodeToString(key))
}

// nobody is a hash that no password has.
func (b *Book) nobody() string { return encode(b.memory, make([]byte, 16), make([]byte, 32)) }

func (b *Book) check(hash, password string) bool {
	f := strings.Split(hash, "$")
	if len(f) != 6 || f[1] != "argon2id" || f[3] != fmt.Sprintf("m=%d,t=%d,p=%d", b.memory, passes, lanes) {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(f[4])
	key, err2 := base64.RawStdEncoding.DecodeString(f[5])
	if err != nil || err2 != nil {
		return false
	}
	return subtle.ConstantTimeCompare(b.derive(password, salt), key) == 1
}
