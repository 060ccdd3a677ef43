package query

import "strings"

// asking are the words that make a question of what is asked for. They are left
// out of a Question, unless it holds nothing else.
var asking = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`
a an the this that these those there here
i me my mine we us our ours you your yours he him his she her hers it its they them their theirs
what when where which who whom whose why how
am is are was were be been being do does did done doing have has had having
can could would should will shall may might must
and or but if then than so as of to in on at for with from by about into onto over under between
not no nor any some all each every both either neither ever never once
say says said saying tell tells told ask asks asked asking want wants wanted wanting mean means meant think thinks thought know knows knew
get gets got give gives gave make makes made let lets
actually really exactly just only also again already still yet even please
show find search look tell list
anything something everything nothing anyone someone everyone anybody somebody
mail mails email emails message messages writing written wrote write
didn don doesn isn wasn weren won wouldn couldn shouldn hasn haven hadn aren ain
s t d ll re ve m
`) {
		m[w] = true
	}
	return m
}()

// content keeps the words of a question that tell what it is about, each once.
func content(words []string) []string {
	keep := func(all bool) []string {
		var out []string
		seen := map[string]bool{}
		for _, w := range words {
			key := strings.ToLower(strings.ReplaceAll(w, "’", "'"))
			stem, rest, _ := strings.Cut(key, "'")
			if !all && asking[stem] && (rest == "" || asking[rest]) {
				continue
			}
			if !seen[key] && len(out) < maxWords {
				seen[key] = true
				out = append(out, w)
			}
		}
		return out
	}
	if out := keep(false); len(out) > 0 {
		return out
	}
	return keep(true)
}
