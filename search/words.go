package search

import "strings"

// alike are words that people of the trade use for one another, and forms that
// share no stem. Whoever asks with one finds the others, ranked as the same word.
var alike = func() map[string][]string {
	m := map[string][]string{}
	for line := range strings.Lines(`
book reserve reservation booking
invoice bill invoicing
pay paid payment settle remit
refund reimburse reimbursement repay
cancel cancellation
confirm confirmation
approve approval sign-off
price cost fee rate charge
quote estimate quotation
flight fly flew flown plane
hotel room accommodation
meeting appointment call
deadline due
draft version
photo picture image
logo artwork
change amend amendment alter revise revision
postpone reschedule move
send sent
deliver delivery delivered
choose chose chosen pick
buy bought purchase
order
forget forgot forgotten
promise promised undertake commit
complain complaint
contract agreement
hours time
receipt voucher
begin began begun start
write wrote written
`) {
		words := strings.Fields(line)
		for i, w := range words {
			for j, o := range words {
				if i != j {
					m[w] = append(m[w], o)
				}
			}
		}
	}
	return m
}()

// synonyms returns the words alike to w, which may be inflected.
func synonyms(w string) []string {
	w = strings.ToLower(w)
	for _, base := range []string{w, strings.TrimSuffix(w, "s"), strings.TrimSuffix(w, "ed"), strings.TrimSuffix(w, "d"), strings.TrimSuffix(w, "ing"), strings.TrimSuffix(w, "ing") + "e", strings.TrimSuffix(w, "es")} {
		if a := alike[base]; len(a) > 0 {
			return a
		}
	}
	return nil
}
