package statement

// model is a linear model over the rules that fired and over words and pairs of
// words: for each feature a row of thirteen small weights. Sums are of whole
// numbers, so every machine computes the same.
type model struct {
	rows  [][kindCount]int8
	index map[uint32]int32
	scale int // thousandths per unit of a row
}

var theModel model

type featureSort uint8

const (
	ruleFeature featureSort = iota
	wordFeature
	condFeature
)

// feature is something true of a sentence.
type feature struct {
	hash     uint32
	sort     featureSort
	from, to int // tokens, or the rule in from
}

func (m *model) weight(hash uint32, kind int) int {
	i, ok := m.index[hash]
	if !ok {
		return 0
	}
	return int(m.rows[i][kind]) * m.scale
}

func (r *reader) score(g *segment, prev *segment) {}

func (r *reader) features(g *segment, prev *segment) []feature { return nil }

func (f *feature) name(r *reader, g *segment) string { return "" }

func (f *feature) text(r *reader, g *segment) string { return "" }
