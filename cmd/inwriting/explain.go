package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"inwriting/indexer/archive"
	"inwriting/indexer/catalog"
	"inwriting/indexer/importer"
	"inwriting/indexer/message"
	"inwriting/indexer/statement"
	"inwriting/search"
	"inwriting/search/trail"
)

// explainDoc is the document "inwriting.explain/v1": how one message is read.
type explainDoc struct {
	Schema     string            `json:"schema"`
	Path       string            `json:"path,omitempty"` // where in a mailbox file
	Message    trail.MessageInfo `json:"message"`
	Text       string            `json:"text"`
	Zones      []search.Zone     `json:"zones"`
	Statements []trail.Statement `json:"statements"`
	Sentences  []sentence        `json:"sentences"`
	SecondHand []trail.Statement `json:"second_hand,omitempty"` // of others, quoted or forwarded here
	Parts      []message.Part    `json:"parts"`
	Defects    []message.Defect  `json:"defects"`
	Times      messageTimes      `json:"times"`
	Reader     string            `json:"reader"` // version of the rules and the model
}

// messageTimes are what the message says of its time. Disagree: more than a day
// lies between the author's date and the newest receipt.
type messageTimes struct {
	Date     string     `json:"date,omitempty"` // the field as written
	Received *time.Time `json:"received,omitempty"`
	Disagree bool       `json:"disagree,omitempty"`
}

func timesOf(m *message.Message) messageTimes {
	t := messageTimes{Date: m.DateRaw}
	if m.Received.IsZero() {
		return t
	}
	t.Received = &m.Received
	t.Disagree = !m.Date.IsZero() && m.Received.Sub(m.Date).Abs() > 24*time.Hour
	return t
}

type sentence struct {
	Start int            `json:"start"`
	End   int            `json:"end"`
	Text  string         `json:"text"`
	Kind  statement.Kind `json:"kind"`
	Asks  float64        `json:"asks"` // how likely it asks something of the reader

	Language string `json:"language,omitempty"` // of a sentence that is not English and was not read
}

func (a *app) explainCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "explain FILE|ID|-",
		Short: "How a message is read: zones, sentences, kinds, facts, reasons",
		Long: `Explain shows what inwriting makes of a message: whose words each line is, what
each sentence does, which facts it names, and why. It needs no vault. A mailbox
file gives one JSON document a line.`,
		Example: "  inwriting explain message.eml\n  inwriting explain --json inbox.mbox | jq .statements\n  inwriting explain sha256-9f2c41",
		Args:    exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := a.config()
			if err != nil {
				return err
			}
			people, err := a.people(cfg)
			if err != nil {
				return err
			}
			show := func(path string, raw io.Reader, ref archive.Ref, kept *search.MessageDoc) error {
				m, err := message.Read(raw)
				if err != nil {
					return err
				}
				if kept != nil {
					m.Zones = zonesOf(m, kept.Zones)
				}
				d := explain(m, statement.Read(m), ref, people)
				if d.SecondHand = secondHand(m, d.Message, ref, people); kept != nil {
					d.SecondHand = kept.SecondHand
				}
				d.Path = path
				d.corrected(kept)
				if a.json {
					return writeJSON(a.out, d)
				}
				a.renderExplain(d)
				return nil
			}
			name := args[0]
			if name != "-" {
				if _, err := os.Stat(name); err != nil {
					if !looksLikeID(name) {
						return fmt.Errorf("reading mail: %w", err)
					}
					return a.explainID(c.Context(), name, show)
				}
			}
			return a.explainFile(c.Context(), name, show)
		},
	}
}

func looksLikeID(s string) bool {
	return strings.HasPrefix(s, "s-") || strings.HasPrefix(s, "sha256-") || strings.Contains(s, "@") && !strings.Contains(s, "/")
}

// shower shows one message; kept is nil for one that lies in a file.
type shower func(path string, raw io.Reader, ref archive.Ref, kept *search.MessageDoc) error

func (a *app) explainID(ctx context.Context, id string, show shower) error {
	b, err := a.openRead(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	if strings.HasPrefix(id, "s-") {
		st, err := b.Statement(ctx, id)
		if err != nil {
			return err
		}
		id = st.Message.Ref.String()
	}
	m, err := b.Message(ctx, id)
	if err != nil {
		return err
	}
	body, _, err := b.Raw(ctx, m.Message.Ref)
	if err != nil {
		return err
	}
	defer body.Close()
	return show("", body, m.Message.Ref, m)
}

// corrected adds what the vault knows of the message: where it lies, and what
// people read differently.
func (d *explainDoc) corrected(kept *search.MessageDoc) {
	if kept == nil {
		return
	}
	d.Message.Occurrences = kept.Message.Occurrences
	for _, s := range kept.Statements {
		for i := range d.Statements {
			x := &d.Statements[i]
			switch {
			case x.ID != s.ID:
			case s.Corrected != nil:
				x.Kind, x.Corrected = s.Kind, s.Corrected
			case x.Kind == s.Kind: // what was corrected elsewhere makes it less sure here
				x.Confidence, x.Why = s.Confidence, s.Why
			}
		}
	}
}

func (a *app) explainFile(ctx context.Context, name string, show shower) error {
	tmp, err := os.MkdirTemp("", "inwriting-explain-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	stage, err := archive.NewStage(tmp)
	if err != nil {
		return err
	}
	one := func(path string, b *archive.Blob) error {
		defer b.Discard()
		r, err := b.Open()
		if err != nil {
			return err
		}
		defer r.Close()
		return show(path, r, b.Ref(), nil)
	}
	if name == "-" {
		// One message, or a mailbox file: told from its first octets, as importer
		// does with files.
		b, err := stage.Read(a.in)
		if err != nil {
			return fmt.Errorf("reading standard input: %w", err)
		}
		if head, ok := b.Bytes(); !ok || !bytes.HasPrefix(head, []byte("From ")) {
			return one("", b)
		}
		f, err := os.CreateTemp(tmp, "stdin-*.mbox")
		if err != nil {
			return err
		}
		r, err := b.Open()
		if err != nil {
			return err
		}
		_, err = io.Copy(f, r)
		r.Close()
		b.Discard()
		if err == nil {
			err = f.Close()
		}
		if err != nil {
			return err
		}
		name = f.Name()
	}
	// A single file that is named is a message even where it looks like nothing:
	// malformed mail is data.
	n := 0
	_, err = importer.Run(ctx, name, stage, importer.Options{}, func(it importer.Item) error {
		n++
		return one(it.Path, it.Blob)
	})
	if st, serr := os.Stat(name); n == 0 && err != nil && serr == nil && st.Mode().IsRegular() && ctx.Err() == nil {
		f, oerr := os.Open(name)
		if oerr != nil {
			return fmt.Errorf("reading mail: %w", oerr)
		}
		defer f.Close()
		b, rerr := stage.Read(f)
		if rerr != nil {
			return fmt.Errorf("reading mail: %w", rerr)
		}
		return one("", b)
	}
	return err
}

// explain makes the document of a reading.
func explain(m *message.Message, s statement.Reading, ref archive.Ref, people trail.People) *explainDoc {
	at := func(off int) int { return message.CodePoints(m.Text, off) }
	info := trail.MessageInfo{Ref: ref, MessageID: m.MessageID, Date: m.Date, Subject: m.Subject, To: []string{}, Occurrences: []trail.Occurrence{}}
	if len(m.From) > 0 {
		info.From = m.From[0].Address
	}
	for _, to := range m.To {
		info.To = append(info.To, to.Address)
	}
	d := &explainDoc{Schema: "inwriting.explain/v1", Message: info, Text: m.Text, Zones: []search.Zone{}, Statements: []trail.Statement{}, Sentences: []sentence{},
		Parts: m.Parts, Defects: m.Defects, Times: timesOf(m), Reader: statement.Version}
	if d.Parts == nil {
		d.Parts = []message.Part{}
	}
	if d.Defects == nil {
		d.Defects = []message.Defect{}
	}
	for _, z := range m.Zones {
		d.Zones = append(d.Zones, search.Zone{Kind: z.Kind, Start: at(z.Start), End: at(z.End)})
	}
	for _, x := range s.Sentences {
		d.Sentences = append(d.Sentences, sentence{at(x.Start), at(x.End), x.Text, x.Kind, x.Asks, x.Language})
	}
	speaker := trail.Speaker{Role: trail.Unknown}
	if len(m.From) > 0 {
		speaker.Name, speaker.Address = m.From[0].Name, m.From[0].Address
		speaker.Role, _ = people.Role(speaker.Address)
	}
	for _, st := range s.Statements {
		start, end := at(st.Start), at(st.End)
		t := trail.Statement{ID: catalog.StatementID(ref, start, end), Kind: st.Kind, Confidence: st.Confidence, Quote: st.Quote, Start: start, End: end,
			Speaker: speaker, Message: info, Facts: st.Facts, Flags: st.Flags, Why: st.Why, Answering: answering(m, st.Start)}
		if t.Facts == nil {
			t.Facts = []statement.Fact{}
		}
		if t.Flags == nil {
			t.Flags = []string{}
		}
		t.Reported = people.Attribute(&t, m.To, m.Cc)
		d.Statements = append(d.Statements, t)
	}
	return d
}
