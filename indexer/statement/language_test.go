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

// A line alone in another language is noted as such and never taken for a kind.
func TestLinesInOtherLanguages(t *testing.T) {
	for lang, lines := range map[string][]string{
		"de": {
			"Bitte buchen Sie zwei Zimmer für Montag.", "Die Rechnung ist falsch.", "Könnten Sie mir das Angebot schicken?",
			"Ich habe nie zugestimmt.", "Anbei die Unterlagen.", "Einverstanden, machen wir so.",
			"Wir zahlen nicht.", "Wann kommt der Techniker?", "Ich melde mich morgen.",
			"Das war nicht vereinbart.", "Der Preis beträgt 400 Euro.", "Vielen Dank für Ihre Nachricht.",
		},
		"fr": {
			"Merci de réserver deux chambres pour le 14 juin.", "La facture est incorrecte.", "Pouvez-vous m'envoyer le devis ?",
			"Je n'ai jamais accepté ce prix.", "Ci-joint le contrat signé.", "D'accord, allez-y.",
			"Nous ne paierons pas.", "Quand arrive le technicien ?", "Je vous rappelle demain.",
			"Ce n'était pas convenu.", "Le prix est de 400 euros.", "Veuillez annuler la commande.",
		},
		"es": {
			"Por favor reserve dos habitaciones para el 14 de junio.", "La factura está mal.", "¿Puede enviarme el presupuesto?",
			"Nunca acepté ese precio.", "Adjunto el contrato firmado.", "De acuerdo, adelante.",
			"¿Cuándo llega el técnico?", "Le llamo mañana.", "Eso no era lo acordado.",
			"El precio es de 400 euros.", "Cancele el pedido, por favor.",
		},
		"tl": {
			"Paki-book na lang yung dalawang rooms para sa Friday.", "Mali po ang invoice.", "Pwede niyo bang i-send ang quote?",
			"Hindi ako pumayag sa presyo na iyon.", "Naka-attach na po yung contract.", "Sige, okay na yan.",
			"Hindi namin babayaran yan.", "Kailan darating yung technician?", "Tatawag ako bukas.",
			"Hindi ito ang napag-usapan.", "Magkano ba yung fee?", "Cancel ko na yung booking ha.",
		},
	} {
		for _, text := range lines {
			r := Read(mailOf(text))
			if len(r.Sentences) != 1 || r.Sentences[0].Language != lang || len(r.Statements) != 0 {
				t.Errorf("%q: got %+v and %d statements, want it unread and in %q", text, r.Sentences, len(r.Statements), lang)
			}
		}
	}
}
