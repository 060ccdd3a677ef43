package main

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"inwriting/indexer/statement"
)

// silver.tsv labels sentences of real mail that gold/real does not: a mail a line,
// the hash of its path in the Enron archive, then for each sentence the hash of its
// words and its kinds, the best first. One reader labelled them, mail by mail, by
// the rules of gold/real; nobody checked. They teach and never measure. No word of
// the mails is in it.
//
//go:embed silver.tsv
var silverText string

// nameOf names a path or a sentence, white space folded, by its hash.
func nameOf(words string) string {
	h := sha256.Sum256([]byte(squash(words)))
	return hex.EncodeToString(h[:5])
}

// silver lists what silver.tsv teaches, each mail grouped with its sender. Mails
// whose archive is not there teach nothing.
func silver(corpora string) ([]example, error) {
	want := map[string]map[string][]string{}
	for n, line := range strings.Split(silverText, "\n") {
		if line == "" {
			continue
		}
		f := strings.Split(line, "\t")
		marks := map[string][]string{}
		for _, m := range f[1:] {
			hash, names, ok := strings.Cut(m, " ")
			ks := strings.Split(names, ",")
			for _, k := range ks {
				if _, known := kindNumber[statement.Kind(k)]; !known || !ok {
					return nil, fmt.Errorf("reading silver.tsv, line %d: no kind %q", n+1, k)
				}
			}
			marks[hash] = ks
		}
		want[f[0]] = marks
	}
	var out []example
	err := fromTar(filepath.Join(corpora, "bulk/enron-inbox.tar.zst"), func(name string, octets []byte) {
		ml := newMail(octets)
		marks := want[nameOf(name)]
		var ls, none []*Label
		for _, e := range statement.Examples(ml.m) {
			words := ml.m.Text[e.Start:e.End]
			ks := marks[nameOf(words)]
			if ks == nil {
				continue
			}
			l := &Label{File: name, Quote: words, Kind: statement.Kind(ks[0]), Or: ks[1:]}
			if l.Kind == statement.None {
				none = append(none, l)
			} else {
				ls = append(ls, l)
			}
		}
		if len(ml.m.From) > 0 {
			out = append(out, examplesOf("enron:"+ml.m.From[0].Address, ml, ls, none, silverWeight)...)
		}
	}, func(name string) bool { return want[nameOf(name)] != nil })
	if err != nil {
		return nil, err
	}
	even(out)
	slices.SortStableFunc(out, func(a, b example) int { return strings.Compare(a.group, b.group) })
	return out, nil
}

// even takes weight off the kinds that the reader of silver.tsv gave so often that
// they would drown the others.
func even(xs []example) {
	var mass [kinds]float64
	for i := range xs {
		mass[xs[i].label()]++
	}
	for i := range xs {
		k := xs[i].label()
		xs[i].weight *= math.Min(1, math.Pow(float64(len(xs))/kinds/mass[k], evenness))
	}
}

var evenness = 0.5
