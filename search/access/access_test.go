package access

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newBook(t *testing.T) *Book {
	t.Helper()
	b, err := Open(filepath.Join(t.TempDir(), "access.json"))
	if err != nil {
		t.Fatal(err)
	}
	b.memory = 1024 // tests sign in often
	return b
}

func TestBook(t *testing.T) {
	b := newBook(t)
	b.memory = memory
	if b.Needed() {
		t.Error("nobody is listed, and a sign-in is asked for")
	}
	for _, tt := range []struct {
		p        Person
		password string
		want     error
	}{
		{Person{Name: "nora", Role: Owner}, "short", ErrWeak},
		{Person{Name: "no ra", Role: Owner}, "long enough pw", ErrName},
		{Person{Name: "nora", Role: Owner}, "long enough pw", nil},
		{Person{Name: "NORA", Role: Reviewer}, "long enough pw", ErrExists},
		{Person{Name: "ben", Role: Reviewer, Clients: []string{"Hale Architects"}}, "another long pw", nil},
	} {
		if err := b.Add(tt.p, tt.password); !errors.Is(err, tt.want) {
			t.Errorf("adding %+v: %v, want %v", tt.p, err, tt.want)
		}
	}
	if err := b.Add(Person{Name: "x", Role: "king"}, "long enough pw"); err == nil {
		t.Error("a role that there is not is taken")
	}
	if !b.Needed() {
		t.Error("somebody is listed, and nobody has to sign in")
	}
	raw, err := os.ReadFile(b.path)
	if err != nil || !strings.Contains(string(raw), "$argon2id$v=19$m=65536,t=3,p=1$") || strings.Contains(string(raw), "long enough pw") {
		t.Errorf("the file (%v): %s", err, raw)
	}
	if fi, err := os.Stat(b.path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", fi.Mode(), err)
	}
	secret, err := b.SignIn("Nora", "long enough pw", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	if p := b.Session(secret); p == nil || p.Name != "nora" || p.Role != Owner {
		t.Errorf("session of %+v", p)
	}
	if b.Session("x") != nil || b.Session("") != nil {
		t.Error("a session that there is not")
	}
	if err := b.Remove("nora"); !errors.Is(err, ErrLast) {
		t.Errorf("removing the last owner: %v", err)
	}
	// Another process adds and removes; sessions of who is gone end.
	other, err := Open(b.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Add(Person{Name: "zoe", Role: Owner}, "third long pw"); err != nil {
		t.Fatal(err)
	}
	if err := other.Remove("nora"); err != nil {
		t.Fatal(err)
	}
	if b.Session(secret) != nil {
		t.Error("who was removed is still signed in")
	}
	if _, err := b.SignIn("zoe", "third long pw", "127.0.0.1"); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(b.path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(b.path); err == nil {
		t.Error("a file that others can read is taken")
	}
}

func TestSessionsEnd(t *testing.T) {
	b := newBook(t)
	at := time.Date(2023, 3, 13, 8, 0, 0, 0, time.UTC)
	b.now = func() time.Time { return at }
	if err := b.Add(Person{Name: "nora", Role: Owner}, "long enough pw"); err != nil {
		t.Fatal(err)
	}
	secret, err := b.SignIn("nora", "long enough pw", "x")
	if err != nil {
		t.Fatal(err)
	}
	for range 6 { // used every day
		at = at.Add(23 * time.Hour)
		if b.Session(secret) == nil {
			t.Fatal("a session in use ended early")
		}
	}
	at = at.Add(25 * time.Hour)
	if b.Session(secret) != nil {
		t.Error("a session lasts although nobody used it for a day")
	}
	secret, _ = b.SignIn("nora", "long enough pw", "x")
	for range 15 {
		at = at.Add(12 * time.Hour)
		b.Session(secret)
	}
	if b.Session(secret) != nil {
		t.Error("a session lasts longer than a week")
	}
	secret, _ = b.SignIn("nora", "long enough pw", "x")
	b.SignOut(secret)
	if b.Session(secret) != nil {
		t.Error("signed out and still in")
	}
}

func TestTooManyWrongPasswords(t *testing.T) {
	b := newBook(t)
	at := time.Date(2023, 3, 13, 8, 0, 0, 0, time.UTC)
	b.now = func() time.Time { return at }
	if err := b.Add(Person{Name: "nora", Role: Owner}, "long enough pw"); err != nil {
		t.Fatal(err)
	}
	for i := range wrongName {
		if _, err := b.SignIn("nora", "wrong", "10.0.0.9"); !errors.Is(err, ErrRefused) {
			t.Fatalf("try %d: %v", i, err)
		}
	}
	if _, err := b.SignIn("nora", "long enough pw", "10.0.0.8"); !errors.Is(err, ErrTooMany) {
		t.Errorf("after %d wrong ones: %v, want to wait", wrongName, err)
	}
	at = at.Add(wrongWindow + time.Second)
	if _, err := b.SignIn("nora", "long enough pw", "10.0.0.8"); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func TestGuard(t *testing.T) {
	b := newBook(t)
	var who *Person
	h := b.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { who = PersonOf(r.Context()) }))
	ask := func(path string, header ...string) *httptest.ResponseRecorder {
		who = nil
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	if w := ask("/"); w.Code != 200 || who != nil {
		t.Errorf("without people: %d, %v", w.Code, who)
	}
	if err := b.Add(Person{Name: "nora", Role: Owner}, "long enough pw"); err != nil {
		t.Fatal(err)
	}
	if err := b.Add(Person{Name: "ben", Role: Reviewer}, "long enough pw"); err != nil {
		t.Fatal(err)
	}
	read, err := b.AddToken("script", []Scope{Read}, nil)
	if err != nil {
		t.Fatal(err)
	}
	scrape, err := b.AddToken("scrape", []Scope{Metrics}, nil)
	if err != nil {
		t.Fatal(err)
	}
	nora, _ := b.SignIn("nora", "long enough pw", "x")
	ben, _ := b.SignIn("ben", "long enough pw", "x")
	for _, tt := range []struct {
		path   string
		header []string
		status int
		who    string
	}{
		{"/m/vienna", []string{"Accept", "text/html"}, 303, ""},
		{"/api/v1/status", nil, 401, ""},
		{"/events", nil, 401, ""},
		{"/sign-in", nil, 200, ""},
		{"/static/app.css", nil, 200, ""},
		{"/healthz", nil, 200, ""},
		{"/metrics", nil, 401, ""},
		{"/", []string{"Cookie", Cookie + "=" + nora}, 200, "nora"},
		{"/metrics", []string{"Cookie", Cookie + "=" + nora}, 200, "nora"},
		{"/metrics", []string{"Cookie", Cookie + "=" + ben}, 403, ""},
		{"/bundle/x", []string{"Cookie", Cookie + "=" + ben}, 200, "ben"},
		{"/", []string{"Cookie", Cookie + "=guess", "Accept", "text/html"}, 303, ""},
		{"/api/v1/search", []string{"Authorization", "Bearer " + read}, 200, "script"},
		{"/bundle/x", []string{"Authorization", "Bearer " + read}, 403, ""},
		{"/metrics", []string{"Authorization", "Bearer " + read}, 403, ""},
		{"/metrics", []string{"Authorization", "Bearer " + scrape}, 200, "scrape"},
		{"/api/v1/search", []string{"Authorization", "Bearer " + scrape}, 403, ""},
		{"/api/v1/search", []string{"Authorization", "Bearer inw_guess"}, 401, ""},
	} {
		w := ask(tt.path, tt.header...)
		name := ""
		if who != nil {
			name = who.Name
		}
		if w.Code != tt.status || name != tt.who {
			t.Errorf("%s %v: status %d for %q, want %d for %q", tt.path, tt.header, w.Code, name, tt.status, tt.who)
		}
	}
	if err := b.RemoveToken("script"); err != nil {
		t.Fatal(err)
	}
	if w := ask("/api/v1/search", "Authorization", "Bearer "+read); w.Code != 401 {
		t.Errorf("a token that was removed: %d", w.Code)
	}
	if c := SessionCookie("x", true); !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode {
		t.Errorf("cookie %v", c)
	}
}
