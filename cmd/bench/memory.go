package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"inwriting/indexer/imapsync/imaptest"
)

// What a sync may take, in octets.
const (
	mostLarge = 150e6 // ten folders with a message of 150 MB each, the reading with it
	mostMany  = 300e6 // ten accounts at once, with and without the reading
)

// benchMemory measures the peak memory of a sync, first of messages that are larger
// than it may be, then of many accounts side by side. More than is allowed is an error.
// The reading of many messages is the index's, however they came: it has no limit here.
func benchMemory(dir string) error {
	srv, err := imaptest.StartDovecot(filepath.Join(dir, "dovecot"))
	if err != nil {
		return err
	}
	defer srv.Close()
	pass := filepath.Join(dir, "pass")
	if err := os.WriteFile(pass, []byte(srv.Password+"\n"), 0o600); err != nil {
		return err
	}
	settings := func(users ...string) (string, error) {
		var b strings.Builder
		for _, u := range users {
			fmt.Fprintf(&b, "[[mailbox]]\naddress = \"%s@bench.example\"\nusername = %q\nserver = \"insecure://%s\"\npassword_file = %q\n", u, u, srv.Addr, pass)
		}
		path := filepath.Join(dir, users[0]+".toml")
		return path, os.WriteFile(path, []byte(b.String()), 0o600)
	}
	var over error
	sync := func(what string, most float64, want int, args []string, users ...string) error {
		conf, err := settings(users...)
		if err != nil {
			return err
		}
		vault := filepath.Join(dir, "vault-"+users[0])
		defer os.RemoveAll(vault)
		c, err := measure(nil, *binary, append([]string{"sync", "--json", "--config", conf, "--data", vault}, args...)...)
		if err != nil {
			return err
		}
		var r struct{ Mailboxes []struct{ New int } }
		if err := json.Unmarshal(c.out, &r); err != nil {
			return err
		}
		got := 0
		for _, m := range r.Mailboxes {
			got += m.New
		}
		if got != want {
			return fmt.Errorf("%s: %d messages, want %d", what, got, want)
		}
		report(os.Stdout, what, c)
		if float64(c.rss) > most {
			over = fmt.Errorf("%s: peak memory is %.0f MB, allowed are %.0f", what, float64(c.rss)/1e6, most/1e6)
		}
		return nil
	}

	const folders = 10
	for i := range folders {
		folder := fmt.Sprintf("Plans/%d", i)
		if err := srv.MakeFolder("large", folder); err != nil {
			return err
		}
		name := filepath.Join(srv.Maildir("large"), fmt.Sprintf(".Plans.%d", i), "cur", fmt.Sprintf("%d.M1P1.bench:2,S", 1700000000+i))
		if err := bigMessage(name, 150<<20, i); err != nil {
			return err
		}
	}
	if err := srv.Own(srv.Maildir("large")); err != nil {
		return err
	}
	if err := sync("10 folders, 150 MB messages", mostLarge, folders, nil, "large"); err != nil {
		return err
	}
	if err := os.RemoveAll(srv.Maildir("large")); err != nil {
		return err
	}

	each := *count / 10
	if _, err := corpus(filepath.Join(dir, "mail"), each); err != nil {
		return err
	}
	var users []string
	for i := range 10 {
		users = append(users, fmt.Sprintf("bench%d", i))
		if err := copyMaildir(filepath.Join(dir, "mail"), srv.Maildir(users[i])); err != nil {
			return err
		}
		if err := srv.Own(srv.Maildir(users[i])); err != nil {
			return err
		}
	}
	what := fmt.Sprintf("10 accounts at once, %d each", each)
	if err := sync(what, mostMany, 10*each, []string{"--no-read"}, users...); err != nil {
		return err
	}
	if err := sync(what+", read", mostMany, 10*each, nil, users...); err != nil {
		return err
	}
	return over
}
