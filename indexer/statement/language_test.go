package statement

import (
	"testing"
	"time"

	"inwriting/indexer/message"
)

func TestOtherLanguagesAreUnread(t *testing.T) {
	for _, c := range []struct {
		text string
		want string // the language of the first sentence
		read int    // statements
	}{
		{"Bitte buchen Sie zwei Zimmer für den 14. Juni. Ich brauche die Rechnung bis Freitag.", "de", 0},
		{"Merci de réserver deux chambres pour le 14 juin. Pouvez-vous envoyer la facture avant vendredi ?", "fr", 0},
		{"Por favor reserve dos habitaciones para el 14 de junio. No estoy de acuerdo con el precio.", "es", 0},
		{"Por favor, reserve duas mesas para os nossos convidados. A conta não está certa.", "pt", 0},
		{"Kunt u voor ons een tafel reserveren? Ik heb de rekening niet gekregen.", "nl", 0},
		{"Paki-book na lang yung dalawang rooms para sa Friday. Please send me the receipt by Monday.", "tl", 1},
		{"Please send the plan of Los Angeles to Maria de la Cruz.", "", 1},
		{"Please book the Hotel zur Post in Bad Tölz.", "", 1},
		{"Please call El Paso.", "", 1},
		{"Can you order the coq au vin and the pain au chocolat?", "", 1},
	} {
		m := &message.Message{Text: c.text, Date: time.Date(2026, 6, 3, 10, 15, 0, 0, time.UTC)}
		m.Zones = []message.Zone{{Kind: message.New, Start: 0, End: len(c.text)}}
		got := Read(m)
		if len(got.Sentences) == 0 || got.Sentences[0].Language != c.want {
			t.Errorf("%q: read as %+v, want language %q", c.text, got.Sentences, c.want)
		}
		if len(got.Statements) != c.read {
			t.Errorf("%q: %d statements, want %d: %+v", c.text, len(got.Statements), c.read, got.Statements)
		}
	}
}
