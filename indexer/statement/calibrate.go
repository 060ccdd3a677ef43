package statement

import "fmt"

// Calibration counts, for each kind, the readings as that kind that a person has
// corrected. It makes later readings as that kind less sure; it changes no kind,
// no rule and no model. The zero Calibration changes nothing. It is only read.
type Calibration map[Kind]int

const (
	perCorrection = 200  // thousandths of a natural logarithm
	mostCorrected = 1000 // however many there are
)

// Adjust lowers s's confidence by what its kind's corrections weigh and says so in
// Why. It leaves alone what nobody has corrected.
func (c Calibration) Adjust(s *Statement) {
	n := c[s.Kind]
	if n == 0 {
		return
	}
	less := min(n*perCorrection, mostCorrected)
	s.Confidence = float64(confidence(leadOf(s.Confidence)-less)) / 100
	times := "a reading"
	if n > 1 {
		times = fmt.Sprintf("%d readings", n)
	}
	s.Why = append(s.Why[:len(s.Why):len(s.Why)], Reason{Rule: "corrected." + string(s.Kind), Weight: -float64(less) / 1000,
		Text: fmt.Sprintf("%s as %s corrected here", times, s.Kind)})
}

// leadOf is the inverse of confidence.
func leadOf(conf float64) int {
	c := int(float64(conf*100) + 0.5) // in two steps, so that no machine fuses them
	if c < 50 {
		return -leadOf(1 - conf)
	}
	return logits[min(c, 99)-50]
}
