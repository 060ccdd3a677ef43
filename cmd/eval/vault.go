package main

import (
	"context"
	"os"
	"path/filepath"

	"inwriting/indexer"
	"inwriting/indexer/importer"
	"inwriting/search"
	"inwriting/search/trail"
)

func init() { theAsker = vaultAsker{} }

// vaultAsker asks as a user would: it imports the case's mail into a vault of its
// own, through the whole line, and asks that.
type vaultAsker struct{}

func (vaultAsker) Ask(caseDir string, g *Gold) (map[string]*trail.Trail, error) {
	dir, err := os.MkdirTemp("", "inwriting-eval-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	v, err := indexer.Open(dir, indexer.Options{})
	if err != nil {
		return nil, err
	}
	defer v.Close()
	ctx := context.Background()
	if _, err := v.Import(ctx, g.Account, []string{filepath.Join(caseDir, "mail")}, importer.Options{}); err != nil {
		return nil, err
	}
	if err := v.Read(ctx, nil); err != nil {
		return nil, err
	}
	people := trail.People{Clients: []trail.Party{{Name: g.Client.Name, Addresses: g.Client.Emails, Domains: g.Client.Domains}}}
	for _, u := range g.Us {
		people.Us = append(people.Us, u.Emails...)
	}
	s := search.NewVaultSearcher(v, func() trail.People { return people }, search.Options{})
	answers := map[string]*trail.Trail{}
	for _, q := range g.Questions {
		if answers[q.Ask], err = s.Trail(ctx, search.TrailQuery{Question: q.Ask}); err != nil {
			return nil, err
		}
	}
	return answers, nil
}
