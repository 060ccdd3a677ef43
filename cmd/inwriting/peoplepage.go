package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"inwriting/search/people"
	"inwriting/search/web"
)

// People implements web.Mailboxes.
func (b boxes) People(ctx context.Context) (*web.People, error) {
	d, err := b.d.s.learn(ctx)
	if err != nil {
		return nil, err
	}
	out := &web.People{}
	for _, p := range d.People {
		k := web.KnownPerson{Role: p.Role, Party: p.Party, Address: p.Address, Name: p.Name, Says: letters(p)}
		for _, r := range d.Authority {
			if strings.EqualFold(r.Address, p.Address) {
				k.Authority = "speaks for " + r.Client + r.span()
			}
		}
		out.Known = append(out.Known, k)
	}
	for _, s := range d.Suggestions {
		out.Suggested = append(out.Suggested, web.SuggestedPerson{ID: s.ID, Who: strings.Join(s.Who, ", "), Why: s.Why, Name: s.Name, Party: s.Party, Role: s.Role})
	}
	return out, nil
}

// Name implements web.Mailboxes with the verbs "people confirm" and "people add".
func (b boxes) Name(ctx context.Context, n web.Naming) error {
	a := *b.d.app
	a.out, a.err, a.json, a.noInput = io.Discard, io.Discard, false, true
	if n.ID == "" {
		return b.named(a.learnFacts(ctx, []fact{{section: n.As, name: n.Name, who: n.Who}}))
	}
	d, err := b.d.s.learn(ctx)
	if err != nil {
		return err
	}
	for _, s := range d.Suggestions {
		if s.ID == n.ID {
			return b.named(a.confirm(ctx, []people.Suggestion{s}, n.As, n.Name))
		}
	}
	return errors.New("that is suggested no more: it may be confirmed already")
}

func (b boxes) named(err error) error {
	if err != nil {
		return err
	}
	return b.takeOver()
}
