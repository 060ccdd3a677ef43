package statement

import "testing"

func TestCalibrationLowersWhatWasCorrected(t *testing.T) {
	c := Calibration{Instruction: 1, Question: 9}
	for _, x := range []struct {
		kind       Kind
		from, want float64
		reasons    int
	}{
		{Instruction, 0.90, 0.88, 2},
		{Instruction, 0.40, 0.36, 2},
		{Question, 0.90, 0.76, 2}, // capped
		{Terms, 0.90, 0.90, 1},
	} {
		s := Statement{Kind: x.kind, Confidence: x.from, Why: []Reason{{Rule: "r"}}}
		c.Adjust(&s)
		if s.Confidence != x.want || len(s.Why) != x.reasons {
			t.Errorf("%s at %.2f: got %.2f and %d reasons, want %.2f and %d", x.kind, x.from, s.Confidence, len(s.Why), x.want, x.reasons)
		}
		if x.reasons == 2 && s.Why[1].Rule != "corrected."+string(x.kind) {
			t.Errorf("%s: got reason %q", x.kind, s.Why[1].Rule)
		}
	}
}

func TestConfidenceIsMonotone(t *testing.T) {
	last := 0
	for lead := -6000; lead <= 6000; lead += 7 {
		c := confidence(lead)
		if c < last || c < 1 || c > 99 {
			t.Fatalf("confidence(%d) = %d after %d", lead, c, last)
		}
		last = c
	}
}
